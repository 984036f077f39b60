"""The simulated network: which hosts answer for the targets of a scan."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from scanpool.emulator.hosts import Host, covered
from scanpool.emulator.targets import Addresses, Hostname, Span, Target, parse, split


@dataclass(frozen=True)
class Responder:
    """One address that a scan reports on, and how it behaves."""

    address: str
    label: str
    """What the report calls it: the name it was asked for by, else its address."""
    host: Host


@dataclass(frozen=True)
class Found:
    """What a target list leads to in the simulated network."""

    responders: tuple[Responder, ...]
    unknown: tuple[str, ...]
    """Expressions that are no target, and names that nothing has."""
    cut: bool
    """More addresses would have answered than a scan reports on."""


class Network:
    """Hosts in the order in which they are looked up: the first that covers an address wins."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._pieces = tuple((span, host) for host in hosts for span in covered(host))
        self._names = {host.name.lower(): host for host in reversed(hosts) if host.name}

    def find(self, text_targets: str, *, limit: int) -> Found:
        """The hosts that answer for a target list, at most `limit` of them, each address once."""
        targets, unknown = parse(split(text_targets))
        nameless = tuple(target.name for target in targets if isinstance(target, Hostname) and not self._known(target))
        seen: dict[str, Responder] = {}
        responders = (responder for target in targets for responder in self._answers(target))
        for responder in responders:
            seen.setdefault(responder.address, responder)
            if len(seen) > limit:
                break
        return Found(tuple(islice(seen.values(), limit)), unknown + nameless, cut=len(seen) > limit)

    def _known(self, target: Hostname) -> bool:
        return target.name.lower() in self._names

    def _answers(self, target: Target) -> Iterable[Responder]:
        match target:
            case Addresses(spans, name):
                return (responder for span in spans for responder in self._within(span, name))
            case Hostname(name):
                host = self._names.get(name.lower())
                spans = covered(host) if host else ()
                return (responder for span in spans for responder in self._within(span, name))

    def _within(self, span: Span, name: str | None) -> Iterator[Responder]:
        number = span.first
        while number <= span.last:
            host, skip_to = self._at(span.version, number)
            if host is not None:
                address = str(span.address(number))
                yield Responder(address, name or address, host)
            number = skip_to

    def _at(self, version: int, number: int) -> tuple[Host | None, int]:
        """The host at an address, and the next address where the answer may differ."""
        begins: list[int] = []
        for span, host in self._pieces:
            if span.version != version:
                continue
            if span.first <= number <= span.last:
                if host.os != "silent":
                    return host, number + 1
                return None, min([*begins, span.last + 1])
            if span.first > number:
                begins.append(span.first)
        return None, min(begins, default=2**128)
