"""The plugins that say something about the login; every other plugin is no evidence."""

from __future__ import annotations

from enum import IntEnum


class Plugin(IntEnum):
    """By what they say. Any can be switched off or filtered out, so absence proves nothing."""

    PING = 10180
    REGISTRY_PARTLY_ACCESSIBLE = 10428
    PACKAGES_BY_LOGIN = 12634
    SCAN_INFORMATION = 19506
    PATCH_ASSESSMENT_FAILED = 21745
    NO_ADMINISTRATOR = 24786
    REGISTRY_INACCESSIBLE = 26917
    SOFTWARE_BY_SSH = 97993
    NEEDS_ESCALATION = 102094
    LOGIN_FAILED = 104410
    LOGIN_WITHOUT_ISSUES = 110095
    INSUFFICIENT_PRIVILEGE = 110385
    CHECKS_NOT_SUPPORTED = 110695
    NO_CREDENTIALS = 110723
    INTERMITTENT_FAILURE = 117885
    PATCH_ASSESSMENT_AVAILABLE = 117887
    VALID_CREDENTIALS = 141118


PLUGINS = {plugin.value: plugin for plugin in Plugin}
LOGIN_OK = frozenset({Plugin.VALID_CREDENTIALS, Plugin.LOGIN_WITHOUT_ISSUES})
ESCALATION_FAILED = frozenset({Plugin.INSUFFICIENT_PRIVILEGE, Plugin.NEEDS_ESCALATION})
ACCESS_LIMITED = frozenset({Plugin.NO_ADMINISTRATOR, Plugin.REGISTRY_INACCESSIBLE, Plugin.REGISTRY_PARTLY_ACCESSIBLE})
