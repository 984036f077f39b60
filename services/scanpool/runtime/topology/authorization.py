"""Users and their rights as the configuration of nats-server takes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from scanpool.runtime.topology.grants import Rights
from scanpool.runtime.topology.rights import ROLES, rights, worker_rights

ANSWER_WITHIN = "90s"
"""Who is asked may answer for so long: longer than anybody waits for a poller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A user of NATS."""

    name: str
    rights: Rights

    @property
    def inbox(self) -> str:
        """Begins the subjects on which this user alone hears answers: `SCANPOOL_NATS_INBOX` of its processes."""
        return f"_INBOX_{self.name}"

    @property
    def password_variable(self) -> str:
        """Holds its password, or the password's bcrypt hash: in nats-server's environment, or in its configuration."""
        return f"NATS_PASSWORD_{self.name.upper().replace('-', '_')}"


def users(pools: Sequence[str], workers: Collection[str] = ()) -> list[User]:
    """One user a role, and one for each pool of `workers`, whose scanners are somebody else's to call then."""
    served = [pool for pool in pools if pool not in workers]
    here = {"dispatcher": served, "poller": served}
    found = [User(name=role, rights=rights(role, here.get(role, pools))) for role in ROLES]
    return found + [User(name=f"worker-{pool}", rights=worker_rights(pool)) for pool in workers]


def authorization(found: Iterable[User]) -> str:
    """The `authorization` block."""
    lines = [
        "# Made by `scanpool topology users`; make it anew where pools come or go.",
        "authorization {",
        "  timeout: 5",
        "  # A user that is added without permissions may do nothing.",
        '  default_permissions { publish { deny: ">" }, subscribe { deny: ">" } }',
        "  users: [",
        *(line for user in found for line in _user(user)),
        "  ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _user(user: User) -> Iterator[str]:
    yield f"    {{ user: {json.dumps(user.name)}, password: ${user.password_variable}"
    yield "      permissions {"
    yield "        publish {"
    yield from _listed("allow", user.rights.publish)
    yield from _listed("deny", user.rights.refused)
    yield "        }"
    yield "        subscribe {"
    yield from _listed("allow", {f"{user.inbox}.>", *user.rights.subscribe})
    yield "        }"
    if user.rights.answers:
        yield f'        allow_responses {{ max: 1, expires: "{ANSWER_WITHIN}" }}'
    yield "      } }"


def _listed(name: str, subjects: Iterable[str]) -> Iterator[str]:
    named = sorted(subjects)
    if named:
        yield f"          {name}: ["
        yield from (f"            {json.dumps(each)}" for each in named)
        yield "          ]"
