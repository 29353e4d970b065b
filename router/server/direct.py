"""Requests that wait for nothing but subgraphs, answered by callbacks: no task, no ASGI messages.

The server's own HTTP protocol hands over a whole request and a callback. One that is plain all the
way (JSON in one piece, a caller who is known, an operation that was built before) is executed at
once; any other is declined before anything has happened, and comes again through ASGI, where it
is waited for, or refused in the right words. What path and header lines decide alone is kept with
them, for a client repeats itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from router.errors import RequestError
from router.execution import Answer
from router.planning.plan import OperationKind
from router.server.asgi import Response
from router.server.cors import refuse_forgeable
from router.server.exchange import Exchange
from router.server.executing import Execution
from router.server.generation import Client, Generation
from router.server.http import GraphQLOverHTTP
from router.server.identity import ANONYMOUS, Identity
from router.server.messages import GraphQLRequest, parse_json, request_from_mapping
from router.server.negotiation import Accepts, Single, accepts, is_json_utf8
from router.server.refusals import too_late
from router.server.running import Running
from router.settings import Settings

if TYPE_CHECKING:
    from router.server.pipeline import Pipeline

__all__ = ["Direct", "Head", "Respond"]

Respond = Callable[[Response], None]

_SHORT: Final = 4_096
_REMEMBERED: Final = 512
"""So many bodies of so few bytes are remembered as the requests they are; none with variables,
which seldom come twice."""


class Head:
    """The path and the headers of a ``POST``: lower-case names, ``x-peer`` the caller's address.

    A connection keeps it as long as its client repeats the same bytes.
    """

    __slots__ = ("entrance", "headers", "path")

    def __init__(self, path: str, headers: Mapping[str, str]) -> None:
        self.path = path
        self.headers = headers
        self.entrance: Entrance | None = None


class Entrance(Struct, frozen=True):
    """What a head decides under some settings and schema; ``client`` None: nothing direct."""

    generation: Generation
    settings: Settings
    accepted: Accepts
    client: Client | None


class Direct:
    """The direct way into the pipeline; ``running`` counts the requests under way."""

    def __init__(self, http: GraphQLOverHTTP, running: Running) -> None:
        self._http = http
        self._pipeline: Pipeline = http.pipeline
        self._running = running
        self._read_under: Settings | None = None
        self._requests: dict[bytes, GraphQLRequest] = {}

    def begin(self, head: Head, body: bytes, respond: Respond) -> bool:
        """Answer a request by calling ``respond`` once, perhaps before this returns.

        False: it is not such a request, nothing was done, and it must be handled through ASGI.
        """
        pipeline = self._pipeline
        entrance = head.entrance
        if (
            entrance is None
            or entrance.generation is not pipeline.generation
            or entrance.settings is not pipeline.settings
        ):
            entrance = head.entrance = self._enter(head)
        if entrance.client is None:
            return False
        try:
            exchange = self._prepared(head, body, entrance, entrance.client)
        except Exception:  # noqa: BLE001  # the long way meets it again, and answers for it
            return False
        if exchange is None:
            return False
        _Answering(self._http, self._running, exchange, entrance.accepted, respond).begin()
        return True

    def _enter(self, head: Head) -> Entrance:
        pipeline, headers = self._pipeline, head.headers
        generation, settings = pipeline.generation, pipeline.settings
        accepted = accepts(headers.get("accept"))
        plain = (
            head.path in generation.by_path
            and accepted.single is not None
            and is_json_utf8(headers.get("content-type", ""))
            and "content-encoding" not in headers
            and "idempotency-key" not in headers
            and self._http.streams.token_of(headers, b"") is None
        )
        client: Client | None = None
        if plain:
            try:
                refuse_forgeable(settings.http.csrf, "POST", headers)
                client = self._client(head)
            except RequestError:
                client = None
        return Entrance(generation, settings, accepted, client)

    def _client(self, head: Head, identity: Identity = ANONYMOUS) -> Client | None:
        client = self._pipeline.client_of(head.path, head.headers, identity)
        served = "http" in client.contract.transports
        return client if served and self._pipeline.answers_at_once(client) else None

    def _prepared(
        self, head: Head, body: bytes, entrance: Entrance, client: Client | None
    ) -> Exchange | None:
        """The exchange, ready to be executed; None, or a refusal, where it takes the long way."""
        pipeline = self._pipeline
        identity = pipeline.known_identity(head.headers)
        if identity is None:
            return None
        if identity is not ANONYMOUS:
            client = self._client(head, identity)
        request = self._requests.get(body) if self._read_under is entrance.settings else None
        if request is None:
            request = self._read(body, entrance.settings)
        if client is None or request is None:
            return None
        exchange = pipeline.exchange(client, request, head.headers)
        exchange.identity = identity
        exchange.in_parts = entrance.accepted.stream is not None
        if not pipeline.prepare_now(exchange):
            return None
        operation = exchange.operation
        if operation.kind is OperationKind.SUBSCRIPTION:
            return None
        if operation.defers and entrance.accepted.stream is not None:
            return None
        return exchange

    def _read(self, body: bytes, settings: Settings) -> GraphQLRequest | None:
        if self._read_under is not settings:
            self._read_under = settings
            self._requests.clear()
        if len(body) > settings.limits.body_bytes:
            return None
        value = parse_json(body, settings.limits.json_depth)
        if not isinstance(value, dict):
            return None
        request = request_from_mapping(value)
        if len(body) <= _SHORT and not request.variables:
            if len(self._requests) >= _REMEMBERED:
                del self._requests[next(iter(self._requests))]
            self._requests[body] = request
        return request


class _Answering:
    """One request under way, until its response is handed over."""

    __slots__ = ("_accepted", "_exchange", "_execution", "_http", "_respond", "_running")

    def __init__(
        self,
        http: GraphQLOverHTTP,
        running: Running,
        exchange: Exchange,
        accepted: Accepts,
        respond: Respond,
    ) -> None:
        self._http = http
        self._running = running
        self._exchange = exchange
        self._accepted = accepted
        self._respond = respond
        self._execution: Execution | None = None

    def begin(self) -> None:
        """Execute."""
        self._running.enter()
        self._exchange.generation.hold()
        self._http.deadlines.begin(self, self._late)
        self._execution = self._http.pipeline.begin(self._exchange, self._answered)

    def _answered(self, answer: Answer) -> None:
        http, exchange, accepted = self._http, self._exchange, self._accepted
        pipeline = http.pipeline
        try:
            answer = pipeline.shown(exchange, pipeline.weighed(exchange, answer))
            response = http.whole(exchange, answer, accepted.single or Single.JSON)
        except RequestError as error:
            response = http.refusal(error, accepted)
        except Exception as error:  # noqa: BLE001  # a client is always answered in GraphQL
            response = http.fault(error, accepted)
        self._end(response)

    def _late(self) -> None:
        if self._execution is not None:
            self._execution.cancel()
        self._end(self._http.refusal(too_late(), self._accepted))

    def _end(self, response: Response) -> None:
        http, exchange = self._http, self._exchange
        http.deadlines.end(self)
        try:
            self._respond(http.dressed(response, exchange.headers))
        finally:
            exchange.generation.release()
            self._running.leave()
