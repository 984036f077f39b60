"""The TLS context of a scanner's connections, and the certificate pin.

The pin is checked inside the handshake, before our side of it is finished: a connection with another
certificate never comes to exist, so no header and no body can be sent on it.
"""

from __future__ import annotations

import hashlib
import ssl

from scanpool.scanners.nessus.settings import Tls


class PinMismatch(Exception):
    """The certificate shown is not the pinned one. Not an `ssl.SSLError`, so that it arrives untranslated."""

    def __init__(self, found: str) -> None:
        super().__init__(f"certificate with SHA-256 fingerprint {found}")
        self.found = found


class _PinnedContext(ssl.SSLContext):
    """A context whose connections accept one certificate only."""

    fingerprint = ""


class _PinnedObject(ssl.SSLObject):
    """A TLS connection that compares the certificate as the last step of the handshake."""

    def do_handshake(self) -> None:
        super().do_handshake()
        context = self.context
        assert isinstance(context, _PinnedContext)
        found = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        if found != context.fingerprint:
            raise PinMismatch(found)


def context(tls: Tls) -> ssl.SSLContext:
    """The context for these settings.

    Raises:
        ValueError: the CA bundle cannot be read or holds no certificate.
    """
    made = _pinned(tls.fingerprint) if tls.fingerprint else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca_bundle is not None:
        _load_bundle(made, tls)
    elif tls.fingerprint or not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_default_certs()
    return made


def _pinned(fingerprint: str) -> _PinnedContext:
    made = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.fingerprint = fingerprint
    made.sslobject_class = _PinnedObject
    return made


def _load_bundle(made: ssl.SSLContext, tls: Tls) -> None:
    try:
        made.load_verify_locations(cafile=tls.ca_bundle)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"tls.ca_bundle: {tls.ca_bundle} is no readable file of PEM certificates: {error}") from error
