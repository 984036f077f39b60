"""The image of `deploy/Dockerfile`, built by buildah over a base in a folder, and run without a container engine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pages import ROOT
from tests.support.requirements import require

BASE = "SCANPOOL_IMAGE_BASE"
"""Names a folder with a root filesystem that has Python and its venv, as debootstrap makes it."""
_USER = "10001"


@dataclass(frozen=True)
class Image:
    """The image: what it says of itself, and its files."""

    config: Mapping[str, Any]
    root: Path

    def command(self, words: Sequence[str], environ: Mapping[str, str], secrets: Path) -> list[str]:
        """What runs it as compose does: its user, a root that is only read, `/tmp` and `/work` to write.

        The secrets are at `/mnt`.
        """
        own = dict(each.split("=", 1) for each in self.config["Env"])
        settings = [f"{name}={value}" for name, value in {**own, **environ}.items()]
        inside = shlex.join(["env", "-i", *settings, *words])
        steps = [
            f"mount --bind {self.root} {self.root}",
            f"mount --bind {secrets} {self.root}/mnt",
            f"mount -o remount,ro,bind {self.root}",
            f"mount -t tmpfs -o mode=1777 tmpfs {self.root}/tmp",
            f"mount -t tmpfs -o uid={_USER},gid={_USER},mode=0700 tmpfs {self.root}/work",
            f"exec chroot --userspec={self.config['User']} {self.root} {inside}",
        ]
        return ["unshare", "--mount", "sh", "-euc", "\n".join(steps)]

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the words in it."""
        with tempfile.TemporaryDirectory(prefix="scanpool-test-") as nothing:
            command = self.command(words, environ or {}, Path(nothing))
            return subprocess.run(command, capture_output=True, text=True, check=False)


@contextmanager
def built_image() -> Iterator[Image]:
    """The image; the test is skipped where buildah or the base are not there, or we are not root."""
    base = os.environ.get(BASE)
    if base is None or shutil.which("buildah") is None or os.geteuid() != 0:
        require("image", f"it is built by root, with buildah, over a folder that {BASE} names")
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as name:
        buildah = _Buildah(Path(name))
        try:
            yield _built(buildah, Path(base))
        finally:
            buildah("rm", "--all")


def _built(buildah: _Buildah, base: Path) -> Image:
    empty = buildah("from", "scratch")
    buildah("copy", "--quiet", empty, str(base), "/")
    buildah("commit", "--quiet", *buildah.trusting, empty, "localhost/base")
    words = ["--format", "docker", "--ignorefile", str(ROOT / "deploy" / "Dockerfile.dockerignore")]
    words += ["--build-arg", "PYTHON_IMAGE=localhost/base", "--file", str(ROOT / "deploy" / "Dockerfile")]
    buildah("bud", *buildah.trusting, *words, "--tag", "localhost/scanpool", str(ROOT))
    told = json.loads(buildah("inspect", "--type", "image", "localhost/scanpool"))
    container = buildah("from", *buildah.trusting, "localhost/scanpool")
    return Image(told["Docker"]["config"], Path(buildah("mount", container)))


class _Buildah:
    """buildah with a store of its own, that needs no privilege of the kernel's."""

    def __init__(self, folder: Path) -> None:
        storage = {"driver": "vfs", "graphroot": str(folder / "root"), "runroot": str(folder / "run")}
        lines = ["[storage]", *(f"{name} = {json.dumps(value)}" for name, value in storage.items())]
        (folder / "storage.conf").write_text("\n".join(lines))
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.trusting = ("--signature-policy", str(folder / "policy.json"))
        told = {"CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}
        self._environ = {**os.environ, **told, "STORAGE_DRIVER": "vfs"}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(["buildah", *words], env=self._environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip().splitlines()[-1] if words[0] != "inspect" and done.stdout.strip() else done.stdout
