"""The configuration file `scanners.yaml`: found, read, checked, shown, and read again while running."""

from scanpool.runtime.configuration.live import Kept, LiveConfiguration, Reload, Reloaded
from scanpool.runtime.configuration.loading import FILE_NAME, VARIABLE, check, find, load, unavailable
from scanpool.runtime.configuration.model import (
    Client,
    Configuration,
    Credential,
    Escalation,
    EscalationMethod,
    Pool,
    Scanner,
    SshKey,
    SshPassword,
    Templates,
    Tls,
    WindowsPassword,
)
from scanpool.runtime.configuration.problems import ConfigurationError, Problem
from scanpool.runtime.configuration.secret import Origin, Secret, SecretUnavailable
from scanpool.runtime.configuration.template import TEMPLATE
from scanpool.runtime.configuration.views import digest, rules_of, shown

__all__ = [
    "FILE_NAME",
    "TEMPLATE",
    "VARIABLE",
    "Client",
    "Configuration",
    "ConfigurationError",
    "Credential",
    "Escalation",
    "EscalationMethod",
    "Kept",
    "LiveConfiguration",
    "Origin",
    "Pool",
    "Problem",
    "Reload",
    "Reloaded",
    "Scanner",
    "Secret",
    "SecretUnavailable",
    "SshKey",
    "SshPassword",
    "Templates",
    "Tls",
    "WindowsPassword",
    "check",
    "digest",
    "find",
    "load",
    "rules_of",
    "shown",
    "unavailable",
]
