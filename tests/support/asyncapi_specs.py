"""The JSON schema of AsyncAPI 3.0.0, as npm's `@asyncapi/specs` ships it."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec

from tests.support.requirements import require

NAME = "asyncapi-specs"
PACKAGE = "@asyncapi/specs"
VARIABLE = "SCANPOOL_ASYNCAPI_SPECS"
_FILE = Path("schemas") / "3.0.0.json"
_NPM_TIMEOUT_S = 60


def asyncapi_schema(work_dir: Path) -> dict[str, Any]:
    """The schema, from the unpacked package that `SCANPOOL_ASYNCAPI_SPECS` names or else from npm."""
    package = Path(named) if (named := os.environ.get(VARIABLE)) else _downloaded(work_dir)
    return msgspec.json.decode(package.joinpath(_FILE).read_bytes(), type=dict[str, Any])


def _downloaded(work_dir: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        require(NAME, f"npm is not installed, and {VARIABLE} names no unpacked {PACKAGE}")
    packing = [npm, "pack", PACKAGE, "--loglevel=error", "--pack-destination", str(work_dir)]
    try:
        packed = subprocess.run(packing, capture_output=True, text=True, timeout=_NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        require(NAME, f"`npm pack {PACKAGE}` did not end within {_NPM_TIMEOUT_S} s")
    if packed.returncode:
        require(NAME, f"`npm pack {PACKAGE}` failed: {packed.stderr.strip()[-300:]}")
    with tarfile.open(next(work_dir.glob("*.tgz"))) as archive:
        archive.extractall(work_dir, filter="data")
    return work_dir / "package"
