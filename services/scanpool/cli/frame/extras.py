"""Parts of scanpool that are installed on demand: a command whose extra is absent names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Literal, TypeAlias

from scanpool.cli.frame.exits import ExitCode, Failure

Extra: TypeAlias = Literal["server", "embedded", "bridge", "parquet"]

_SERVER = ("httpx", "opentelemetry.sdk", "prometheus_client", "starlette", "uvicorn")
_MODULES: Mapping[Extra, Sequence[str]] = {
    "server": _SERVER,
    "embedded": (*_SERVER, "cryptography", "python_multipart"),
    "bridge": (*_SERVER, "mcp", "jwt"),
    "parquet": ("pyarrow",),
}


def need(extra: Extra, command: str) -> None:
    """Check that the extra is installed.

    Raises:
        Failure: it is not; says how to install it.
    """
    absent = [module for module in _MODULES[extra] if not _is_installed(module)]
    if absent:
        message = f"`scanpool {command}` needs {', '.join(absent)}; install 'scanpool[{extra}]'"
        raise Failure("extra_missing", message, exit_code=ExitCode.USAGE)


def is_installed(extra: Extra) -> bool:
    """Whether everything that the extra brings is there."""
    return all(map(_is_installed, _MODULES[extra]))


def _is_installed(module: str) -> bool:
    package, _, rest = module.partition(".")
    return find_spec(package) is not None and (not rest or find_spec(module) is not None)
