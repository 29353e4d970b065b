"""The port through which the executor reaches a subgraph; transports implement it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["SubgraphAnswer", "SubgraphClient", "SubgraphRequest"]


@dataclass(frozen=True, slots=True)
class SubgraphRequest:
    """One GraphQL request to a subgraph.

    ``operation`` is constant per plan, ``variables`` are JSON values, ``headers`` those that the
    router forwards. ``mutation`` requests are never shared or retried.
    """

    operation: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    mutation: bool = False


@dataclass(frozen=True, slots=True)
class SubgraphAnswer:
    """What came back: the parsed GraphQL response, and its bytes where there are any.

    ``data`` may be shared between requests in flight: readers copy before they change it.
    """

    data: Any
    errors: tuple[Mapping[str, Any], ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None


class SubgraphClient(Protocol):
    """A subgraph, wherever it runs.

    ``fetch`` returns an answer or raises :class:`router.errors.SubgraphError`; it never raises
    anything else but ``CancelledError``. ``subscribe`` yields one answer per event and ends
    when the source completes; closing the iterator ends the upstream subscription.
    """

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer: ...

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]: ...

    async def aclose(self) -> None: ...
