"""Ask a client of either form: call back when it is over, or wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from router.errors import SubgraphError
from router.execution.client import (
    CallbackClient,
    Cancel,
    Outcome,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)

__all__ = ["begin", "wait_for"]

_Begin: TypeAlias = Callable[[SubgraphRequest, Callable[[Outcome], None]], Cancel]

_tasks: set[asyncio.Task[None]] = set()
"""The event loop holds tasks weakly; this set owns them until they are done."""


def begin(
    client: SubgraphClient, request: SubgraphRequest, done: Callable[[Outcome], None]
) -> Cancel:
    """Start ``request`` on any client; ``done`` is called once unless it is cancelled before."""
    start: _Begin | None = getattr(client, "begin", None)
    if start is not None:
        return start(request, done)
    task = asyncio.get_running_loop().create_task(_drive(client, request, done))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)

    def cancel() -> None:
        task.cancel()

    return cancel


async def _drive(
    client: SubgraphClient, request: SubgraphRequest, done: Callable[[Outcome], None]
) -> None:
    outcome: Outcome
    try:
        outcome = await client.fetch(request)
    except SubgraphError as error:
        outcome = error
    except Exception as error:  # noqa: BLE001  # a client that breaks the port is a sick subgraph
        outcome = SubgraphError(f"The subgraph client failed ({type(error).__name__}).")
    done(outcome)


async def wait_for(client: CallbackClient, request: SubgraphRequest) -> SubgraphAnswer:
    """Await a callback client; cancelling the wait cancels the request."""
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    cancel = client.begin(request, done)
    try:
        outcome = await future
    except asyncio.CancelledError:
        cancel()
        raise
    if isinstance(outcome, SubgraphError):
        raise outcome
    return outcome
