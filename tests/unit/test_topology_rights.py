"""Who may do what in NATS, as a table: what one role may, the others may not unless they are named beside it."""

from __future__ import annotations

import pytest

from scanpool.runtime.topology.authorization import authorization, users
from scanpool.runtime.topology.definitions import topology
from scanpool_schemas import subjects

POOLS = ("lab", "dmz")
USERS = {user.name: user.rights for user in users(POOLS, ("dmz",))}
LAB = subjects.pool_stream("lab")
WORKER = "worker-dmz"
TELL_AGAIN = {"janitor", "operator"}
"""Who commits a state anew whose delivery was lost: any that a stage acts on."""


def fits(pattern: str, subject: str) -> bool:
    wanted, found = pattern.split("."), subject.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(found) > place
        if place >= len(found) or token not in ("*", found[place]):
            return False
    return len(wanted) == len(found)


def may_publish(subject: str) -> set[str]:
    return {
        name
        for name, rights in USERS.items()
        if any(fits(each, subject) for each in rights.publish)
        and not any(fits(each, subject) for each in rights.refused)
    }


def may_hear(subject: str) -> set[str]:
    return {name for name, rights in USERS.items() if any(fits(each, subject) for each in rights.subscribe)}


@pytest.mark.parametrize(
    ("subject", "who"),
    [
        ("scan.lab.requested.x", {"publisher", "bridge", "operator"}),
        ("scan.lab.cancel.x", {"publisher", "bridge", "operator"}),
        ("scan.lab.pending.x", {"admission"}),
        ("scan.lab.queued-high.x", {"admission", "dispatcher"} | TELL_AGAIN),
        ("scan.lab.launching.x", {"dispatcher"} | TELL_AGAIN),
        ("scan.lab.running.x", {"dispatcher"} | TELL_AGAIN),
        ("scan.dmz.running.x", {WORKER} | TELL_AGAIN),
        ("scan.lab.exporting.x", {"poller"} | TELL_AGAIN),
        ("scan.lab.validating.x", {"poller", "validator"} | TELL_AGAIN),
        ("scan.lab.stopping.x", {"admission", "poller"} | TELL_AGAIN),
        ("scan.lab.completed.x", {"validator"}),
        ("scan.lab.failed.x", {"admission", "dispatcher", "poller", "validator", "janitor", "operator"}),
        ("scan.lab.dead.x", {"dispatcher", "poller", "validator"}),
        ("scan.lab.progress.x", {"poller"}),
        ("$KV.pool-lab.rules", {"dispatcher"}),
        ("$KV.pool-lab.load.s1", {"admission", "dispatcher", "poller", "janitor", "operator"}),
        ("$KV.pool-lab.health.s1", {"dispatcher"}),
        ("$KV.pool-lab.client.agent", {"admission"}),
        ("$KV.pool-lab.breaker.s1", {"dispatcher", "poller", "operator"}),
        ("$KV.pool-lab.control", {"operator"}),
        ("$KV.pool-lab.space", {"janitor"}),
        ("$KV.pool-lab.repair", {"janitor", "operator"}),
        ("order.lab.pause.x", {"bridge", "operator"}),
        ("audit.agent.cancel_scan", {"bridge", "operator"}),
        ("sched.janitor", {"setup"}),
        ("tick.janitor", set()),
        ("dlq.lab.admission.x.s1", {"admission"}),
        ("$JS.API.STREAM.MSG.GET.OBJ_scan-exports", {"validator", "janitor", "operator"}),
        ("$JS.API.STREAM.MSG.GET.OBJ_scan-findings", {"bridge", "janitor", "operator"}),
        ("$JS.API.STREAM.MSG.GET.SCAN_DLQ", {"bridge", "operator"}),
        ("$JS.API.STREAM.MSG.GET.SCAN_COMPLETED", {"subscriber", "operator"}),
        ("$JS.API.STREAM.PURGE.SCAN_DLQ", {"operator"}),
        (f"$JS.API.STREAM.PURGE.{LAB}", {"validator", "janitor", "operator"}),
        (f"$JS.API.STREAM.CREATE.{LAB}", {"setup"}),
        (f"$JS.API.STREAM.UPDATE.{LAB}", {"setup"}),
        ("$JS.API.STREAM.CREATE.ELSEWHERE", set()),
        ("$JS.API.STREAM.LIST", {"monitor"}),
    ],
)
def test_a_subject_is_for_those_alone_whose_work_it_is(subject: str, who: set[str]) -> None:
    assert may_publish(subject) == who


def test_nobody_deletes_a_stream_or_one_message_or_takes_a_snapshot() -> None:
    for stream in (each["name"] for each in topology(POOLS).streams):
        for operation in ("DELETE", "MSG.DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE"):
            assert may_publish(f"$JS.API.STREAM.{operation}.{stream}") == set()


def test_nobody_deletes_a_consumer_of_the_services_and_setup_alone_changes_it() -> None:
    for each in topology(POOLS).consumers:
        name = f"{each.stream}.{each.name}"
        assert may_publish(f"$JS.API.CONSUMER.DELETE.{name}") == set()
        assert may_publish(f"$JS.API.CONSUMER.CREATE.{name}") == {"setup"}
        assert may_publish(f"$JS.API.CONSUMER.CREATE.{name}.{each.config['filter_subject']}") == set()


def test_each_consumer_is_pulled_by_one_user_alone() -> None:
    for each in topology(POOLS).consumers:
        pullers = may_publish(f"$JS.API.CONSUMER.MSG.NEXT.{each.stream}.{each.name}")
        assert len(pullers) == 1, (each.stream, each.name)
        assert may_publish(f"$JS.ACK.{each.stream}.{each.name}.1.2.3.4.5") == pullers


def test_nobody_hears_or_forges_the_answers_of_another() -> None:
    for name in USERS:
        assert may_hear(f"_INBOX_{name}.x.y") == set()
        assert may_publish(f"_INBOX_{name}.x.y") == set()
    assert {name for name, rights in USERS.items() if rights.answers} == {"poller", WORKER}


def test_a_worker_reaches_no_stream_of_another_pool() -> None:
    rights = USERS[WORKER]
    assert not [each for each in rights.publish | rights.subscribe if "lab" in each.replace("-", ".").split(".")]


def test_a_pool_with_a_worker_is_not_the_business_of_the_dispatcher_and_poller_elsewhere() -> None:
    for role in ("dispatcher", "poller"):
        assert not [each for each in USERS[role].publish if "dmz" in each]


def test_each_user_has_a_password_of_its_own_and_no_rights_by_default() -> None:
    text = authorization(users(POOLS, ("dmz",)))
    assert 'default_permissions { publish { deny: ">" }, subscribe { deny: ">" } }' in text
    passwords = [line.rpartition("password: ")[2] for line in text.splitlines() if "password:" in line]
    assert len(set(passwords)) == len(passwords) == len(USERS)
    assert "$NATS_PASSWORD_WORKER_DMZ" in passwords
