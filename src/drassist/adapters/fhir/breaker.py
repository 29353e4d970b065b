"""A circuit breaker for coroutines: after some failures in a row the peer is left alone.

pybreaker guards a coroutine only through ``calling()``, and in its half-open state would let
every waiting caller through at once; here one caller probes while the others are turned away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pybreaker

from drassist.adapters.errors import AdapterError, PeerUnavailable

__all__ = ["Breaker"]


class Breaker:
    """Opens after ``failures`` unanswered calls in a row, lets one probe pass after ``rest`` s.

    Refusals do not count: a peer that says no is alive.
    """

    def __init__(self, name: str, *, failures: int, rest: float) -> None:
        self._name = name
        self._rest = rest
        self._probing = False
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=rest,
            exclude=[_says_nothing_of_the_peer],
            throw_new_error_on_trip=False,
            name=name,
        )

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Guard one call; raises :class:`PeerUnavailable` at once while the circuit is open."""
        probe = self._breaker.current_state != pybreaker.STATE_CLOSED
        if probe and self._probing:
            raise self._resting()
        self._probing = self._probing or probe
        try:
            with self._breaker.calling():
                yield
        except pybreaker.CircuitBreakerError:
            raise self._resting() from None
        finally:
            if probe:
                self._probing = False

    def _resting(self) -> PeerUnavailable:
        return PeerUnavailable(
            f"{self._name} did not answer lately and is left alone for a while",
            retry_after=self._rest,
        )


def _says_nothing_of_the_peer(error: BaseException) -> bool:
    """Refusals show that the peer lives; a caller who gave up shows nothing at all."""
    if isinstance(error, AdapterError):
        return not error.retryable
    return isinstance(error, asyncio.CancelledError | GeneratorExit)
