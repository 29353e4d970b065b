"""The ``Idempotency-Key`` of a request as subgraphs see it: one key for each mutation sent to them.

A subgraph that keeps to the header too does a mutation once even where the router's own store of
answers is lost. The key is made of the client, the caller and the key that they sent, so that it
means the same in a second try and nothing to anybody else, and of what is asked, because one
operation may send several requests to one subgraph.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping

from router.execution.client import (
    Cancel,
    Outcome,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)
from router.execution.starting import begin, wait_for

__all__ = ["HEADER", "Keyed", "Sent", "keyed"]

HEADER = "idempotency-key"


class Sent:
    """Whether any mutation has been sent."""

    def __init__(self) -> None:
        self.any = False


class Keyed:
    """A :class:`SubgraphClient` that sends mutations with a key; it lives for one request."""

    def __init__(self, client: SubgraphClient, scope: str | None, sent: Sent) -> None:
        self._client = client
        self.reads: bool = getattr(client, "reads", False)
        self._scope = scope
        self._sent = sent

    def begin(self, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel:
        """Send a mutation with its key, anything else as it is."""
        return begin(self._client, self._with_key(request), done)

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Send a request and await its answer."""
        return await wait_for(self, request)

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Subscriptions have no key."""
        return self._client.subscribe(request)

    async def aclose(self) -> None:
        """The client belongs to the generation."""

    def _with_key(self, request: SubgraphRequest) -> SubgraphRequest:
        if not request.mutation:
            return request
        self._sent.any = True
        if self._scope is None:
            return request
        digest = hashlib.sha256(self._scope.encode())
        digest.update(request.operation.encode())
        with contextlib.suppress(TypeError):  # files are no JSON; one key has one payload anyhow
            digest.update(request.variables_json())
        return SubgraphRequest(
            request.operation,
            request.variables,
            request.operation_name,
            {**request.headers, HEADER: digest.hexdigest()},
            request.mutation,
            request.raw,
            reader=request.reader,
        )


def keyed(
    clients: Mapping[str, SubgraphClient], scope: str, *, send: bool = True
) -> tuple[dict[str, Keyed], Sent]:
    """The same clients, which note that mutations are sent, and ``send`` keys of this scope."""
    sent = Sent()
    key = scope if send else None
    return {name: Keyed(client, key, sent) for name, client in clients.items()}, sent
