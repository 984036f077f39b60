"""Find, read and check the configuration file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from ssl import SSLError, create_default_context

from msgspec.structs import replace

from scanpool.runtime.configuration.checks import CHECKS
from scanpool.runtime.configuration.crosschecks import cross_findings
from scanpool.runtime.configuration.document import Document
from scanpool.runtime.configuration.files import FileKind, read_file
from scanpool.runtime.configuration.model import Configuration
from scanpool.runtime.configuration.problems import ConfigurationError, Finding, Problem, child, item
from scanpool.runtime.configuration.secret import Secret, SecretUnavailable

FILE_NAME = "scanners.yaml"
VARIABLE = "SCANPOOL_CONFIG"
_SCANNERS = FileKind(
    model=Configuration,
    checks=CHECKS,
    across=cross_findings,
    absent="name one with --config, or write one with `scanpool init`",
    empty="write one with `scanpool init`",
)


def find(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The configuration file: the one named, `SCANPOOL_CONFIG`, `./scanners.yaml`, or the user's own.

    Raises:
        ConfigurationError: none is named and none is there.
    """
    if explicit is not None:
        return cwd / explicit
    if environ.get(VARIABLE):
        return cwd / environ[VARIABLE]
    usual = (cwd / FILE_NAME, *_personal(environ))
    for path in usual:
        if path.is_file():
            return path
    problem = Problem(
        file=FILE_NAME,
        path="",
        message=f"there is no configuration in {' or '.join(str(path.parent) for path in usual)}",
        remedy=f"write one with `scanpool init`, or name one with --config or {VARIABLE}",
    )
    raise ConfigurationError([problem])


def load(path: Path, environ: Mapping[str, str]) -> Configuration:
    """The configuration that the file holds. Secrets kept elsewhere are not read yet.

    Raises:
        ConfigurationError: with everything that is wrong with the file.
    """
    return load_with_warnings(path, environ)[0]


def load_with_warnings(path: Path, environ: Mapping[str, str]) -> tuple[Configuration, tuple[Problem, ...]]:
    """The configuration that the file holds, and what a person should know of it.

    Raises:
        ConfigurationError: with everything that is wrong with the file.
    """
    configuration, problems = _read(path, environ)
    faults = [problem for problem in problems if not problem.is_warning]
    if faults or configuration is None:
        raise ConfigurationError(faults)
    return configuration, tuple(problems)


def check(path: Path, environ: Mapping[str, str]) -> list[Problem]:
    """Everything that is wrong, warnings and secrets that cannot be read among it."""
    try:
        configuration, problems = _read(path, environ)
    except ConfigurationError as error:
        return list(error.problems)
    if configuration is not None:
        problems += unavailable(configuration, path)
    return problems


def unavailable(configuration: Configuration, path: Path, pools: Collection[str] | None = None) -> list[Problem]:
    """Secrets and certificate bundles that this process cannot read; of the given pools, or of all."""
    document = Document(str(path))
    return [document.problem(finding) for finding in _unavailable(configuration, pools)]


def _read(path: Path, environ: Mapping[str, str]) -> tuple[Configuration | None, list[Problem]]:
    configuration, problems = read_file(_SCANNERS, path, environ)
    return None if configuration is None else _with_default_pool(configuration), problems


def _with_default_pool(configuration: Configuration) -> Configuration:
    if configuration.default_pool is None and len(configuration.pools) == 1:
        return replace(configuration, default_pool=next(iter(configuration.pools)))
    return configuration


def _unavailable(configuration: Configuration, pools: Collection[str] | None) -> Iterator[Finding]:
    for name, pool in configuration.pools.items():
        if pools is not None and name not in pools:
            continue
        for index, scanner in enumerate(pool.scanners):
            path = item(f"pools.{name}.scanners", index)
            yield from _secrets_of(scanner, path)
            yield from bundle_findings(scanner.tls.ca_bundle, f"{path}.tls.ca_bundle")
    for index, credential in enumerate(configuration.credentials):
        if pools is None or not set(pools).isdisjoint(credential.pools):
            path = item("credentials", index)
            yield from _secrets_of(credential, path)
            yield from _secrets_of(getattr(credential, "escalation", None), child(path, "escalation"))


def _secrets_of(struct: object, path: str) -> Iterator[Finding]:
    for name in getattr(struct, "__struct_fields__", ()):
        secret = getattr(struct, name)
        if isinstance(secret, Secret):
            try:
                secret.reveal()
            except SecretUnavailable as error:
                yield Finding(child(path, name), error.message, error.remedy)


def bundle_findings(bundle: Path | None, path: str) -> Iterator[Finding]:
    """That a bundle of certificate authorities, where there is one, can be read."""
    if bundle is None:
        return
    try:
        create_default_context(cafile=str(bundle))
    except SSLError:
        yield Finding(path, f"{bundle} holds no certificate", "name a file of PEM certificates")
    except OSError as error:
        yield Finding(path, f"{bundle}: {error.strerror}", "check its path and its owner")


def _personal(environ: Mapping[str, str]) -> Iterator[Path]:
    folder = environ.get("XDG_CONFIG_HOME")
    if folder and Path(folder).is_absolute():
        yield Path(folder, "scanpool", FILE_NAME)
    elif environ.get("HOME"):
        yield Path(environ["HOME"], ".config", "scanpool", FILE_NAME)
