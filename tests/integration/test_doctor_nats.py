"""What `scanpool doctor` says where NATS is not as it should be, and that its remedies help."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scanpool.cli.running.assembly import SERVICES
from scanpool.coordination import registry
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas.keys import PoolRules
from tests.support.broker import Stand, standing
from tests.support.cluster import running_cluster
from tests.support.doctor import FRESH, Doctor, doctor_of, feed_of
from tests.support.eventually import becomes
from tests.support.pipeline import Scanner, connected_jetstream, running_pipeline
from tests.support.watching import is_ready

NATS = ("--only", "nats", "--only", "topology", "--only", "clock")


async def without_a_consumer(stand: Stand) -> None:
    await stand.jetstream.api("CONSUMER.DELETE.KV_pool-lab.running", None, dict[str, Any])


async def without_a_stream(stand: Stand) -> None:
    await stand.jetstream.api("STREAM.DELETE.SCANNER_EVENTS", None, dict[str, Any])


async def with_an_age(stand: Stand) -> None:
    config = (await stand.jetstream.api("STREAM.INFO.KV_pool-lab", None, dict[str, Any]))["config"]
    config["max_age"] = 3_600_000_000_000
    await stand.jetstream.api("STREAM.UPDATE.KV_pool-lab", config, dict[str, Any])


@pytest.mark.parametrize(
    ("trouble", "code", "place"),
    [
        (without_a_consumer, "topology_missing", "consumer KV_pool-lab/running"),
        (without_a_stream, "topology_missing", "stream SCANNER_EVENTS"),
        (with_an_age, "topology_differs", "stream KV_pool-lab"),
    ],
)
async def test_what_is_missing_or_differs_is_put_right_by_the_remedy(
    trouble: Callable[[Stand], Awaitable[None]], code: str, place: str
) -> None:
    async with standing(["lab"]) as stand:
        doctor = Doctor({"SCANPOOL_NATS_URL": stand.broker.url})
        await doctor.well(*NATS)
        await trouble(stand)
        found = await doctor.only(code, *NATS)
        assert (found["place"], found["remedy"]) == (place, "scanpool topology apply --pools lab")
        await doctor.follow(found)
        await doctor.well(*NATS)


async def test_what_is_missing_is_one_problem_though_others_could_not_be_looked_at() -> None:
    async with standing(["lab"]) as stand:
        await stand.jetstream.api("STREAM.DELETE.SCAN_DLQ", None, dict[str, Any])
        doctor = Doctor({"SCANPOOL_NATS_URL": stand.broker.url})
        missing = await doctor.only("topology_missing", "--only", "topology", "--only", "pools")
        assert missing["place"] == "stream SCAN_DLQ"
        alone = await doctor.wrong("--only", "pools")
        assert {each["code"] for each in alone} == {"check_failed"}
        assert {each["remedy"] for each in alone} == {"scanpool topology apply"}


async def test_where_no_service_runs_each_is_told_with_the_command_that_starts_it() -> None:
    async with standing(["lab"]) as stand:
        found = await Doctor({"SCANPOOL_NATS_URL": stand.broker.url}).wrong("--only", "services")
        assert {each["place"]: each["remedy"] for each in found} == {
            "admission": "scanpool run admission",
            "janitor": "scanpool run janitor",
            "dispatcher lab": "scanpool run dispatcher --pools lab",
            "poller lab": "scanpool run poller --pools lab",
            "validator lab": "scanpool run validator --pools lab",
        }
        assert {each["code"] for each in found} == {"service_not_running"}


async def test_a_dispatcher_that_does_not_run_is_missed_until_one_does(tmp_path: Any) -> None:
    pools = {"lab": (Scanner("s1", options={"plugin_set": feed_of(FRESH)}),)}
    async with running_pipeline(pools, services=("dispatcher",)) as pipeline:
        await is_ready(pipeline, "lab.s1")
        await pipeline.stop()
        await pipeline.start([each for each in SERVICES if each != "dispatcher"])
        doctor = doctor_of(pipeline, tmp_path)
        scan = await pipeline.client.submit(["10.10.0.1"], name="asked", pool="lab")

        async def waits() -> bool:
            found = await doctor.wrong("--only", "services")
            return [(each["place"], each["waiting"]) for each in found] == [("dispatcher lab", 1)]

        await becomes(waits)
        found = await doctor.only("service_not_running")
        assert found["remedy"] == "scanpool run dispatcher --pools lab"
        await pipeline.start(["dispatcher"])
        assert (await pipeline.client.wait(scan.id, timeout=60)).status == "completed"
        await doctor.well()


async def test_a_pool_that_left_the_configuration_is_told_and_missed_by_nobody_once_it_is_empty() -> None:
    async with standing(["lab"]) as stand:
        await registry.register(stand.jetstream, "lab", PoolRules(digest="d"))
        await registry.retire(stand.jetstream, "lab")
        doctor = Doctor({"SCANPOOL_NATS_URL": stand.broker.url})
        found = await doctor.only("pool_retired", "--only", "rules")
        assert (found["place"], found["waiting"]) == ("lab", 0)
        services = await doctor.wrong("--only", "services")
        assert {each["place"] for each in services} == {"admission", "janitor"}


async def test_a_server_that_is_lost_is_one_problem_until_it_is_back() -> None:
    async with running_cluster() as cluster, connected_jetstream(cluster.url) as jetstream:
        await apply(jetstream, topology(("lab",), replicas=3))
        doctor = Doctor({"SCANPOOL_NATS_URL": cluster.url})

        async def well() -> bool:
            return await doctor.codes(*NATS) == []

        await becomes(well, within_s=90)
        checks = await doctor.examined(*NATS)
        (replicas,) = (each["message"] for each in checks if each["name"] == "replicas")
        assert re.fullmatch(r"\d+ streams with 3 copies each, all up to date", replicas)
        lost = await cluster.leader("KV_pool-lab")
        await lost.kill()

        async def told() -> bool:
            return await doctor.codes(*NATS) == [("server_offline", f"server {lost.name}")]

        await becomes(told, within_s=90)
        found = await doctor.only("server_offline", *NATS)
        assert found["remedy"] == f"start the nats-server {lost.name} again"
        assert "KV_pool-lab" in found["streams"]
        await lost.start(cluster._routes)
        await becomes(well, within_s=90)


async def test_streams_of_one_copy_in_a_cluster_are_a_warning_that_the_remedy_ends() -> None:
    async with running_cluster() as cluster, connected_jetstream(cluster.url) as jetstream:
        await apply(jetstream, topology(("lab",), replicas=1))
        doctor = Doctor({"SCANPOOL_NATS_URL": cluster.url})

        async def alone() -> bool:
            return await doctor.codes(*NATS) == [("single_copy", "")]

        await becomes(alone, within_s=60)
        found = await doctor.only("single_copy", *NATS)
        assert found["status"] == "warning"
        await doctor.follow({"remedy": f"{found['remedy']} --pools lab"})

        async def well() -> bool:
            return await doctor.codes(*NATS) == []

        await becomes(well, within_s=90)
