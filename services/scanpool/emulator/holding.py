"""A request that is accepted and not answered: until somebody lets it go on, or its sender leaves."""

from collections.abc import Awaitable, Callable

import anyio
from starlette.types import Message, Receive


async def held(receive: Receive, released: Callable[[], Awaitable[object]]) -> Receive | None:
    """Wait; answers a `receive` that begins with what came meanwhile, or None where the sender left."""
    came: list[Message] = []
    left = False

    async def listen() -> None:
        nonlocal left
        while (message := await receive())["type"] != "http.disconnect":
            came.append(message)
        left = True
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        await released()
        group.cancel_scope.cancel()

    async def replayed() -> Message:
        return came.pop(0) if came else await receive()

    return None if left else replayed


async def nowhere(_message: Message) -> None:
    """Send to nobody."""
