"""`scanpool doctor` needs the rights of an operator, and no more."""

from __future__ import annotations

import msgspec

from scanpool.runtime.jetstream import Write
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from tests.support.doctor import Doctor
from tests.support.guarded_nats import guarded_nats

WITHOUT_SERVICES = {"service_not_running", "rules_absent", "configuration_absent"}


async def test_an_operator_may_look_at_everything_and_repair() -> None:
    async with guarded_nats(["lab"]) as nats:
        async with nats.jetstream("setup") as setup:
            await apply(setup, topology(("lab",), replicas=1))
        async with nats.jetstream("dispatcher") as dispatcher:
            ghost = Load(capacity=2, holders=("no-such-scan",))
            subject = subjects.key("lab", subjects.load_key("a"))
            await dispatcher.publish(Write(subject=subject, body=msgspec.json.encode(ghost)))
        doctor = Doctor(nats.environ("operator"))
        found = await doctor.wrong()
        assert {each["code"] for each in found} == {*WITHOUT_SERVICES, "place_leaked"}
        await doctor.wrong("--repair")
        assert {each["code"] for each in await doctor.wrong()} == WITHOUT_SERVICES
        assert [each for each in nats.violations() if each.user == "operator"] == []


async def test_whoever_has_less_rights_is_told_what_could_not_be_looked_at() -> None:
    async with guarded_nats(["lab"]) as nats:
        async with nats.jetstream("setup") as setup:
            await apply(setup, topology(("lab",), replicas=1))
        found = await Doctor(nats.environ("subscriber")).wrong("--only", "pools", "--timeout", "8s")
        assert found
        assert {each["code"] for each in found} <= {"check_failed", "check_timed_out"}
