"""`scanpool doctor` asked by tests, as a person or a script asks it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline

Document = dict[str, Any]


def feed_of(age: timedelta) -> str:
    """The name of a plugin feed of this age."""
    return (datetime.now(UTC) - age).strftime("%Y%m%d%H%M")


FRESH = timedelta(days=1)
WITHIN_S = 60.0
"""A busy machine makes a scanner late or a part time out; what was made wrong on purpose stays."""


@dataclass(frozen=True)
class Doctor:
    """The command in an environment of its own."""

    environ: Mapping[str, str]

    async def examined(self, *words: str) -> list[Document]:
        """Every check; the exit code and `ok` are as the checks say."""
        ended = await self.told("doctor", "--json", *words)
        assert ended.code in {0, 1}, ended.err
        document = ended.document
        assert document["ok"] == (ended.code == 0) == all(each["status"] != "problem" for each in document["checks"])
        checks: list[Document] = document["checks"]
        return checks

    async def wrong(self, *words: str) -> list[Document]:
        """The checks that are not ok; each has its code and remedy."""
        found = [each for each in await self.examined(*words) if each["status"] != "ok"]
        assert all(each["remedy"] and each["code"] for each in found)
        return found

    async def codes(self, *words: str) -> list[tuple[str, str]]:
        """Code and place of each check that is not ok."""
        return [(each["code"], each["place"]) for each in await self.wrong(*words)]

    async def only(self, code: str, *words: str) -> Document:
        """The one check that is not ok, which has to come to be this."""
        seen: list[list[Document]] = []

        async def so() -> bool:
            seen.append(await self.wrong(*words))
            return [each["code"] for each in seen[-1]] == [code]

        await self._comes(so, seen)
        return seen[-1][0]

    async def well(self, *words: str) -> None:
        """Wait until nothing is wrong."""
        seen: list[list[Document]] = []

        async def so() -> bool:
            seen.append(await self.wrong(*words))
            return not seen[-1]

        await self._comes(so, seen)

    async def _comes(self, so: Callable[[], Awaitable[bool]], seen: list[list[Document]]) -> None:
        try:
            await becomes(so, within_s=WITHIN_S)
        except TimeoutError:
            raise AssertionError(seen[-1:]) from None

    async def follow(self, check: Document) -> None:
        """Carry out the remedy of a check, which is a command of ours."""
        name, *words = shlex.split(check["remedy"])
        assert name == "scanpool", check
        ended = await self.told(*words)
        assert ended.code == 0, ended.err

    async def told(self, *words: str) -> Ended:
        """A command of ours."""
        return await scanpool(*words, environ=self.environ)


def doctor_of(pipeline: Pipeline, folder: Path, change: Callable[[Document], None] = lambda _document: None) -> Doctor:
    """The doctor with a copy of the pipeline's configuration that keeps its secrets elsewhere, and is changed."""
    document = json.loads(pipeline.configuration.read_text())
    secrets = _moved(document)
    change(document)
    path = folder / "doctor.yaml"
    path.write_text(json.dumps(document, indent=2))
    return Doctor({"SCANPOOL_NATS_URL": pipeline.nats.url, "SCANPOOL_CONFIG": str(path), **secrets})


def _moved(part: Any) -> dict[str, str]:
    """Move every secret of the document into a variable; answers those."""
    moved: dict[str, str] = {}
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key in {"access_key", "secret_key", "password"}:
            name = f"SECRET_{len(value)}_{abs(hash((key, value)))}"
            moved[name], part[key] = value, {"env": name}
        else:
            moved |= _moved(value)
    return moved
