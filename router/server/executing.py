"""One execution behind the admission gate: callbacks, no task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from router.execution import Admission, Answer, Run

if TYPE_CHECKING:
    from router.server.exchange import Exchange

__all__ = ["Execution"]


class Execution:
    """Executes a prepared query or mutation, once there is room for it.

    ``done`` is called once with the answer, perhaps before :meth:`start` returns, and never after
    :meth:`cancel`. To be used on the event loop.
    """

    __slots__ = ("_done", "_exchange", "_gate", "_run")

    def __init__(
        self, exchange: Exchange, gate: Admission | None, done: Callable[[Answer], None]
    ) -> None:
        self._exchange = exchange
        self._gate = gate
        self._done: Callable[[Answer], None] | None = done  # None: it is over
        self._run: Run | None = None

    def start(self) -> None:
        """Execute now, or when the gate lets this in."""
        gate, exchange = self._gate, self._exchange
        if gate is not None:
            subgraphs = exchange.keyed or exchange.generation.subgraphs
            if exchange.runnable.can_share(exchange.variables, subgraphs, exchange.forward):
                gate.enter_anyway()
            elif not gate.enter_now():
                gate.when_idle(self._enter)
                return
        self._enter()

    def cancel(self) -> None:
        """Give up: requests to subgraphs are cancelled."""
        if self._done is None:
            return
        self._done = None
        if self._run is not None:
            self._run.cancel()
            self._leave()

    def _enter(self) -> None:
        if self._done is None:  # given up while it waited
            self._leave()
            return
        exchange = self._exchange
        run = exchange.runnable.start(
            exchange.variables,
            exchange.keyed or exchange.generation.subgraphs,
            self._answered,
            headers=exchange.forward,
            admission=self._gate,
        )
        if self._done is not None:
            self._run = run

    def _answered(self, run: Run) -> None:
        done = self._done
        if done is None:
            return
        # both know us: what is over must not wait for the garbage collector
        self._run = self._done = None
        try:
            done(self._exchange.runnable.answer(run))
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._gate is not None:
            self._gate.leave()
