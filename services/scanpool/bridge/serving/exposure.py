"""Where the bridge listens, and that beyond loopback everybody signs in."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from scanpool.bridge.configuration.checks import is_loopback
from scanpool.bridge.configuration.settings import PATH, BridgeSettings
from scanpool.runtime.http import PortTaken, listening


class BridgeExposed(Exception):
    """The bridge was to be reachable from elsewhere, for callers who need not say who they are."""


def open_door(bridge: BridgeSettings, ports: Sequence[int] = ()) -> socket.socket:
    """A socket where the settings say, on the first of the ports that is free, where some are named.

    Raises:
        BridgeExposed: nobody would have to sign in there.
        PortTaken: something else listens there.
    """
    if not bridge.signs_in and not is_loopback(bridge.host):
        raise BridgeExposed(
            f"the bridge is not served on {bridge.host} while nobody has to sign in: put `tokens:` or `jwt:` into "
            "bridge.yaml (`scanpool bridge token` makes a token with its entry), or serve it on 127.0.0.1"
        )
    wanted = ports or (bridge.port,)
    for port in wanted:
        try:
            return listening(bridge.host, port)
        except PortTaken as error:
            taken = error.__cause__
    named = f"port {wanted[0]}" if len(wanted) == 1 else f"ports {wanted[0]} to {wanted[-1]}"
    reason = getattr(taken, "strerror", None) or taken
    raise PortTaken(f"the bridge cannot listen on {bridge.host}, {named}: {reason}; choose another port") from taken


def base_url(host: str, port: int) -> str:
    """Of what is served there."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def url_of(bridge: BridgeSettings, door: socket.socket) -> str:
    """Of the protocol's endpoint, as this machine reaches it."""
    return base_url(bridge.host, door.getsockname()[1]) + PATH
