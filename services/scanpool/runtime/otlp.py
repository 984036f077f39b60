"""Whether spans are to be sent to a collector, as OpenTelemetry's own variables of the environment say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_PROTOCOL = "http/protobuf"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What the environment asks for."""

    export: bool = False
    """Spans are to be sent, and can be."""
    problem: str = ""
    """Why they are not sent, although they are to be, and what to do."""


def wish_of(environ: Mapping[str, str], *, installed: bool) -> Wish:
    """Whether spans are to be sent; `installed`: the package that sends them is there."""
    if _value(environ, "OTEL_SDK_DISABLED").lower() == "true":
        return Wish()
    named = {part.strip().lower() for part in _value(environ, "OTEL_TRACES_EXPORTER").split(",") if part.strip()}
    if unknown := sorted(named - {"otlp", "none"}):
        return Wish(problem=f"OTEL_TRACES_EXPORTER={','.join(unknown)}: takes otlp or none")
    if "none" in named or ("otlp" not in named and not _value(environ, *_ENDPOINTS)):
        return Wish()
    protocol = _value(environ, *_PROTOCOLS)
    if protocol not in {"", _PROTOCOL}:
        return Wish(problem=f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: takes {_PROTOCOL}, as a rule on port 4318")
    if not installed:
        return Wish(problem="opentelemetry-exporter-otlp-proto-http is not installed; install 'scanpool[otlp]'")
    return Wish(export=True)


def is_installed() -> bool:
    """Whether the package that sends spans is there."""
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:  # one of the packages that it is in
        return False


def _value(environ: Mapping[str, str], *names: str) -> str:
    """Of the first variable that has one."""
    return next((found for name in names if (found := environ.get(name, "").strip())), "")
