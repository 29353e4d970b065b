"""Chooses how to subscribe: by the options, or by trying and remembering what worked."""

from __future__ import annotations

from collections.abc import AsyncIterator

from router.errors import SubgraphError
from router.execution.client import SubgraphAnswer, SubgraphRequest
from router.transport.endpoint import Endpoint, HttpOptions, Subscribing
from router.transport.streaming import stream

__all__ = ["Subscriber"]


class Subscriber:
    """Opens the subscriptions of one subgraph."""

    def __init__(self, endpoint: Endpoint, options: HttpOptions) -> None:
        self._endpoint = endpoint
        self._options = options
        self._way: Subscribing = options.subscriptions

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Yield one answer per event."""
        if self._way != "http":
            from router.transport import websocket  # its library is slow to import

            try:
                async for answer in websocket.subscribe(self._endpoint, self._options, request):
                    self._way = "websocket"
                    yield answer
                return
            except websocket.Refused:
                if self._way == "websocket":
                    message = "The subgraph accepts no GraphQL over WebSocket."
                    raise SubgraphError(message) from None
                self._way = "http"
        async for answer in stream(self._endpoint, self._options, request):
            yield answer
