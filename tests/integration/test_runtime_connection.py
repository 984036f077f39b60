"""Connecting to NATS: what a person is told when it does not work, and that no credential is told."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nats
import pytest
import structlog
from nats.aio.msg import Msg

from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.errors import BrokerUnavailable, ServerUnsuitable
from scanpool.runtime.jetstream import JetStream
from tests.support.broker import running_broker
from tests.support.configured_nats import configured_nats
from tests.support.eventually import becomes


@contextmanager
def a_dead_port() -> Iterator[int]:
    """A port on which nobody listens, for as long as it is entered."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@asynccontextmanager
async def a_server_that_says(**info: object) -> AsyncIterator[str]:
    """Something that greets like a nats-server and answers pings."""

    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO " + json.dumps({"max_payload": 1048576, "headers": True, **info}).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.wait_for(over.wait(), 60)


@asynccontextmanager
async def overheard(url: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Where the same server is reached, and what its client says."""
    said: list[bytes] = []
    address = urlsplit(url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool) -> None:
        while data := await reader.read(65_536):
            said.extend([data] * note)
            writer.write(data)
        writer.close()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(address.hostname, address.port)
        await asyncio.gather(
            pass_on(reader, server_writer, note=True),
            pass_on(server_reader, writer, note=False),
            return_exceptions=True,
        )

    async with await asyncio.start_server(met, "127.0.0.1") as server:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", said


async def test_what_is_no_address_is_told_without_a_try_to_connect() -> None:
    with pytest.raises(BrokerUnavailable, match=r"cannot be used, \(not a NATS URL\): takes nats://HOST:PORT"):
        await connect(NatsAddress(url="nats:s3cret"), name="test")


async def test_where_nobody_is_the_error_comes_in_time_and_names_the_remedy() -> None:
    with a_dead_port() as port:
        began = time.perf_counter()
        with structlog.testing.capture_logs() as logs, pytest.raises(BrokerUnavailable) as caught:
            await connect(NatsAddress(url=f"nats://127.0.0.1:{port}"), name="test", timeout_s=0.5)
    assert time.perf_counter() - began < 20
    assert str(caught.value).startswith(f"NATS at nats://127.0.0.1:{port} cannot be reached (")
    assert "disconnected from NATS" not in [line["event"] for line in logs]
    assert "Connect call failed" in str(caught.value)
    assert "scanpool up" in str(caught.value)
    assert "SCANPOOL_NATS_URL" in str(caught.value)


async def test_a_server_that_is_silent_is_unreachable() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = NatsAddress(url=f"nats://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(BrokerUnavailable, match="cannot be reached"):
            await connect(address, name="test", timeout_s=0.5)


async def test_a_server_that_is_silent_when_it_is_to_encrypt_is_unreachable() -> None:
    closed: list[str] = []
    async with a_server_that_says(version="2.15.0", tls_required=True) as url, asyncio.timeout(60):
        with pytest.raises(BrokerUnavailable, match="cannot be reached"):
            await connect(NatsAddress(url=url), name="test", timeout_s=0.5, on_closed=lambda: closed.append("closed"))
    assert closed == ["closed"]


async def test_an_old_server_is_refused_with_its_version() -> None:
    async with a_server_that_says(version="2.10.0", jetstream=True) as url:
        with pytest.raises(ServerUnsuitable, match=r"is version 2\.10; scanpool needs 2\.14 or newer"):
            await connect(NatsAddress(url=url), name="test")


async def test_a_server_without_jetstream_is_refused_with_the_remedy() -> None:
    async with configured_nats("server_name: plain") as server:
        with pytest.raises(ServerUnsuitable, match="has no JetStream"):
            await connect(NatsAddress(url=server.url), name="test")


async def test_a_cluster_that_chooses_its_leader_may_be_asked_again() -> None:
    async with configured_nats("") as server:
        electing = await nats.connect(server.url)

        async def answer(message: Msg) -> None:
            error = {"code": 503, "err_code": 10008, "description": "JetStream system temporarily unavailable"}
            await message.respond(json.dumps({"type": "io.nats.jetstream.api.v1", "error": error}).encode())

        await electing.subscribe("$JS.API.>", cb=answer)
        await electing.flush()
        with pytest.raises(BrokerUnavailable, match="no leader at the moment; try again"):
            await connect(NatsAddress(url=server.url), name="test")
        with pytest.raises(BrokerUnavailable, match="temporarily unavailable"):
            await JetStream(electing).api("STREAM.INFO.x", None, dict[str, object])
        await electing.close()


async def test_an_account_without_jetstream_is_refused_with_the_remedy() -> None:
    accounts = 'accounts { A { jetstream: enabled, users: [] }, B { users: [{user: "b", password: "b"}] } }'
    configuration = f"server_name: plain\njetstream {{ store_dir: STORE }}\n{accounts}"
    async with configured_nats(configuration) as server:
        with pytest.raises(ServerUnsuitable, match="has no JetStream for this account"):
            await connect(NatsAddress(url=server.url.replace("//", "//b:b@")), name="test")


@pytest.mark.parametrize("prefix", ["nats://scanner:s3cret@", "scanner:s3cret@"])
async def test_a_refused_sign_in_says_so_and_no_password_is_told(
    prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = 'authorization { user: "scanner", password: "other" }'
    async with configured_nats(configuration) as server:
        address = NatsAddress(url=prefix + server.url.removeprefix("nats://"))
        with structlog.testing.capture_logs() as logged, pytest.raises(BrokerUnavailable) as caught:
            await connect(address, name="test", timeout_s=0.7)
    assert "refuses the connection (nats: 'Authorization Violation')" in str(caught.value)
    assert "check user and password" in str(caught.value)
    told = [str(caught.value), repr(caught.value.__cause__), str(logged), *capsys.readouterr()]
    assert not [text for text in told if "s3cret" in text]


async def test_an_unreachable_address_is_told_without_its_password() -> None:
    with (
        a_dead_port() as port,
        structlog.testing.capture_logs() as logged,
        pytest.raises(BrokerUnavailable) as caught,
    ):
        await connect(NatsAddress(url=f"nats://me:s3cret@127.0.0.1:{port}"), name="test", timeout_s=0.4)
    assert f"NATS at nats://127.0.0.1:{port} " in str(caught.value)
    assert "s3cret" not in str(caught.value) + str(logged)


async def test_credentials_that_are_not_there_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    async with running_broker() as broker:
        address = NatsAddress(url=broker.url, credentials=tmp_path / "absent.creds")
        with pytest.raises(BrokerUnavailable, match=r"absent\.creds"):
            await connect(address, name="test", timeout_s=0.5)


async def test_whoever_connected_is_told_when_the_connection_is_closed_and_not_when_it_is_interrupted() -> None:
    async with running_broker() as broker:
        closed: list[str] = []
        client = await connect(NatsAddress(url=broker.url), name="test", on_closed=lambda: closed.append("closed"))
        await broker.restart()

        async def answers() -> bool:
            return client.is_connected and await JetStream(client).api("INFO", None, dict) is not None

        await becomes(answers)
        assert closed == []
        await client.close()
        assert closed == ["closed"]


async def test_a_flush_ends_when_the_server_knows_of_what_was_done_before_it() -> None:
    async with running_broker() as broker, overheard(broker.url) as (url, said):
        client = await connect(NatsAddress(url=url), name="test")
        for number in range(5):
            said.clear()
            await client.subscribe(f"told.{number}")
            await client.publish(f"said.{number}", b"x")
            await client.flush()
            heard = b"".join(said)
            subscribed, published = heard.index(b"SUB told."), heard.index(b"PUB said.")
            assert subscribed < published < heard.index(b"PING"), heard
        await client.close()


async def test_a_cancel_that_comes_together_with_the_answer_is_not_lost() -> None:
    async with running_broker() as broker:
        client = await connect(NatsAddress(url=broker.url), name="test")
        asked = await client.subscribe("asked")
        asking = asyncio.create_task(client.request("asked", timeout=60))
        question = await asked.next_msg(60)
        answer = client._resp_map[question.reply.rsplit(".", 1)[1]]  # given here, so that both come in one turn
        answer.set_result(question)
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
        await client.close()


async def test_a_cancel_that_comes_together_with_a_refusal_is_not_lost() -> None:
    async with running_broker() as broker:
        client = await connect(NatsAddress(url=broker.url), name="test")
        asked = await client.subscribe("asked")
        asking = asyncio.create_task(client.request("asked", timeout=60))
        question = await asked.next_msg(60)
        nobody = Msg(client, question.subject, headers={"Status": "503"})
        client._resp_map[question.reply.rsplit(".", 1)[1]].set_result(nobody)
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
        await client.close()


async def test_a_cancel_that_comes_together_with_a_pong_is_not_lost() -> None:
    async with running_broker() as broker:
        client = await connect(NatsAddress(url=broker.url), name="test")
        flushing = asyncio.create_task(client.flush(timeout=60))
        async with asyncio.timeout(60):
            while not client._pongs:
                await asyncio.sleep(0)  # a turn of the loop, since the server answers within the next
        client._pongs.pop().set_result(True)
        flushing.cancel()
        await asyncio.wait({flushing})
        assert flushing.cancelled()
        await client.close()
