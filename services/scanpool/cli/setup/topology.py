"""`scanpool topology`: the streams, consumers and buckets that services need in NATS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.invocation import Invocation, command, group
from scanpool.cli.frame.process_options import named_pools
from scanpool.cli.setup.configuration import loaded_configuration

if TYPE_CHECKING:
    from scanpool.runtime.jetstream import JetStream
    from scanpool.runtime.topology.authorization import User
    from scanpool.runtime.topology.definitions import Topology
    from scanpool.runtime.topology.difference import Difference

commands = typer.Typer()
topology = group(commands, "topology", panel="Setting up", help="Set NATS up: streams, consumers, buckets, schedules.")

Pools = Annotated[
    str | None,
    typer.Option("--pools", metavar="A,B", help="The pools; without it those of the configuration."),
]
Replicas = Annotated[
    int | None,
    typer.Option("--replicas", min=1, max=5, help="Copies of each stream, as 3 in a cluster; without it as they are."),
]


@command(
    topology,
    "apply",
    examples=(
        "scanpool topology apply  # for the pools of the configuration and those that NATS has already",
        "scanpool topology apply --pools internal,dmz --replicas 3 --nats nats://nats1:4222,nats://nats2:4222",
    ),
)
def apply(call: Invocation, *, pools: Pools = None, replicas: Replicas = None) -> ExitCode:
    """Create and correct what differs from what services need; changes nothing else."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.runtime.topology.apply import apply

    chosen = _chosen(call, pools)

    async def applied(jetstream: JetStream) -> list[Difference]:
        return await apply(jetstream, await _wanted(call, jetstream, chosen, replicas))

    changes = with_jetstream(call, applied)
    if call.as_json:
        call.out.document({"pools": chosen, "changes": changes})
    else:
        for change in changes:
            call.out.text(change.corrected)
        call.out.say("done" if changes else "nothing to do")
    return ExitCode.DONE


@command(
    topology,
    "diff",
    examples=(
        "scanpool topology diff  # exit code 0 where all is as needed, 1 where not",
        "scanpool topology diff --pools internal,dmz --json",
    ),
)
def diff(call: Invocation, *, pools: Pools = None, replicas: Replicas = None) -> ExitCode:
    """Say what `topology apply` would do: exit code 0 where nothing, 1 where something."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.runtime.topology.apply import differences

    chosen = _chosen(call, pools)

    async def compared(jetstream: JetStream) -> list[Difference]:
        return await differences(jetstream, await _wanted(call, jetstream, chosen, replicas))

    found = with_jetstream(call, compared)
    if call.as_json:
        call.out.document({"pools": chosen, "differences": found})
    else:
        for difference in found:
            call.out.text(str(difference))
        call.out.say("`scanpool topology apply` corrects it" if found else "all is as needed")
    return ExitCode.ERROR if found else ExitCode.DONE


@command(
    topology,
    "users",
    examples=(
        "scanpool topology users --pools internal,dmz --workers dmz > users.conf",
        "scanpool topology users --pools internal --role publisher --json",
    ),
)
def users(
    call: Invocation,
    *,
    pools: Pools = None,
    workers: Annotated[
        str | None,
        typer.Option("--workers", metavar="A,B", help="Pools whose dispatcher and poller run apart, as user worker-A."),
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="USER", help="This user alone, as dispatcher or worker-dmz.")
    ] = None,
) -> ExitCode:
    """Print the users of NATS, each with the rights that it needs, for the configuration of nats-server.

    Their passwords, or the bcrypt hashes of them, are variables of nats-server, as $NATS_PASSWORD_DISPATCHER.
    """
    from scanpool.runtime.topology.authorization import authorization

    found = _users(_chosen(call, pools), named_pools(workers or ""), role)
    if call.as_json:
        call.out.document({"users": [_shown(each) for each in found]})
    else:
        call.out.text(authorization(found).rstrip())
    return ExitCode.DONE


def _users(pools: tuple[str, ...], workers: tuple[str, ...], name: str | None) -> list[User]:
    from scanpool.runtime.topology.authorization import users

    if unknown := [pool for pool in workers if pool not in pools]:
        message = f"--workers: {', '.join(unknown)} is none of the pools, which are {', '.join(pools)}"
        raise Failure("invalid_name", message, exit_code=ExitCode.USAGE)
    found = users(pools, workers)
    if name is not None and name not in {each.name for each in found}:
        message = f"--role: there is no user {name!r}; there are {', '.join(each.name for each in found)}"
        raise Failure("invalid_name", message, exit_code=ExitCode.USAGE)
    return [each for each in found if name in (None, each.name)]


def _shown(user: User) -> dict[str, object]:
    return {
        "user": user.name,
        "password": f"${user.password_variable}",
        "inbox": user.inbox,
        "publish": sorted(user.rights.publish),
        "publish_refused": sorted(user.rights.refused),
        "subscribe": sorted({f"{user.inbox}.>", *user.rights.subscribe}),
        "may_answer": user.rights.answers,
    }


def _chosen(call: Invocation, pools: str | None) -> tuple[str, ...]:
    return tuple(loaded_configuration(call)[1].pools) if pools is None else named_pools(pools)


async def _wanted(call: Invocation, jetstream: JetStream, chosen: Sequence[str], replicas: int | None) -> Topology:
    """For the pools that NATS has too: the streams for subscribers take from them as well.

    How long those keep what they have is as set here.
    """
    from scanpool.runtime.topology.apply import pools_in_nats
    from scanpool.runtime.topology.definitions import topology

    pools = dict.fromkeys((*chosen, *await pools_in_nats(jetstream)))
    return topology(tuple(pools), replicas=replicas, retention=call.settings().retention)
