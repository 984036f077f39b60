"""The order for a scanner: a scan's request with its credential resolved, at the moment of the launch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scanpool.dispatcher.launch import CredentialUnusable
from scanpool.runtime import configuration
from scanpool.runtime.configuration import Configuration, Secret, SecretUnavailable
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Escalation, Login, ScanSpec, SshKey, SshPassword, WindowsPassword
from scanpool_schemas.request import Intensity
from scanpool_schemas.scan import Launching

_SAFE_CHECKS: Mapping[Intensity | None, dict[str, str]] = {
    "safe": {"safe_checks": "yes"},
    "intrusive": {"safe_checks": "no"},
}


class Orders:
    """Makes orders from requests and the configuration as it is now."""

    def __init__(self, current: Callable[[], Configuration]) -> None:
        self._current = current

    def __call__(self, scan: Launching, ours: OurName) -> ScanSpec:
        """The order for the scanner.

        Raises:
            CredentialUnusable: the credential left the configuration, or its value cannot be read.
        """
        request = scan.request
        return ScanSpec(
            name=ours.titled(request.name),
            targets=request.targets,
            template=request.template or "advanced",
            policy=request.policy,
            folder=request.folder,
            description=request.description,
            settings={**request.settings, **_SAFE_CHECKS.get(request.intensity, {})},
            login=self._login(scan),
        )

    def _login(self, scan: Launching) -> Login | None:
        wanted = scan.request.credential_ref
        if wanted is None:
            return None
        known = self._current().credentials
        credential = next((each for each in known if each.id == wanted and scan.pool in each.pools), None)
        if credential is None:
            raise CredentialUnusable(f"credential {wanted!r} is not in this dispatcher's configuration")
        try:
            return _login(credential, privileged=scan.request.scan_type == "authenticated_privileged")
        except SecretUnavailable as error:
            raise CredentialUnusable(f"credential {wanted!r}: {error}") from error


def _login(credential: configuration.Credential, *, privileged: bool) -> Login:
    match credential:
        case configuration.SshPassword():
            return SshPassword(
                username=credential.username,
                password=credential.password.reveal(),
                escalation=_escalation(credential.escalation) if privileged else None,
            )
        case configuration.SshKey():
            return SshKey(
                username=credential.username,
                private_key=credential.private_key.reveal(),
                passphrase=_revealed(credential.passphrase),
                escalation=_escalation(credential.escalation) if privileged else None,
            )
        case configuration.WindowsPassword():
            return WindowsPassword(
                username=credential.username,
                password=credential.password.reveal(),
                domain=credential.domain or "",
            )


def _escalation(escalation: configuration.Escalation) -> Escalation | None:
    if escalation.method is configuration.EscalationMethod.NONE:
        return None
    return Escalation(
        method=escalation.method.api_name,
        account=escalation.account or "",
        password=_revealed(escalation.password),
        su_user=escalation.su_user or "",
        bin_directory=escalation.bin_directory or "",
    )


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret is not None else ""
