"""What holds for every test."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support import forking
from tests.support.pages import ROOT
from tests.support.requirements import require

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # so begins what a shell starts in the background

gc.set_threshold(50_000)  # what tests leave behind is little; to look for it all the time is not

settings.register_profile("scanpool", deadline=None)  # a busy machine is slow; tests are not timed
settings.load_profile("scanpool")


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes test, they have one that is forked for all of them."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        forking.begin()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: else one process would work on it when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True, scope="session")
def _caches_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept on the local disk, by us and by the processes that we start, is not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that runs within the tests sets up logging for its process, which is ours."""
    root, nats = logging.getLogger(), logging.getLogger("nats")
    before = (structlog.get_config(), root.handlers, root.level, nats.level)
    yield
    structlog.configure(**before[0])
    root.handlers, root.level, nats.level = before[1:]


@pytest.fixture
def checkout() -> None:
    """The test reads the repository's own files: it is skipped where the tests stand without it."""
    if not (ROOT / "pyproject.toml").exists():
        require("checkout", "the tests stand here without the repository around them")
