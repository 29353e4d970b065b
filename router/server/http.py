"""GraphQL over HTTP: one ASGI endpoint for queries, mutations and every kind of stream.

Follows the GraphQL-over-HTTP specification; where its draft and the ``graphql-http`` audits
differ (422 against 400, 294 against 200) the setting ``http.statuses`` chooses. All that happens
between request and answer is the pipeline's; here are methods, media types and statuses.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, Final

import orjson
from msgspec.structs import replace

from router.contracts.contract import VersionRules
from router.errors import BadRequest, NoPlan, OperationInvalid, RequestError, RouterError
from router.execution import Answer
from router.planning.plan import OperationKind
from router.server import streaming
from router.server.asgi import ClientGone, Receive, Response, Scope, Send, read_body, send_response
from router.server.compression import choose_encoding, compress
from router.server.cors import cors_headers, preflight, refuse_forgeable
from router.server.deadlines import Deadlines
from router.server.exchange import Exchange
from router.server.generation import Client
from router.server.idempotency import Idempotency
from router.server.identity import Identity
from router.server.messages import (
    GraphQLRequest,
    parse_json,
    request_from_mapping,
    request_from_query,
)
from router.server.negotiation import Accepts, Single, accepts, is_json_utf8
from router.server.pipeline import Pipeline
from router.server.refusals import Refused, errors_body, errors_of, status_of, too_late
from router.server.sse_single import SingleConnections
from router.server.subscriptions import Subscriptions
from router.server.uploads import IncomingFiles, read_upload
from router.settings import Settings

__all__ = ["GraphQLOverHTTP", "request_headers"]

_LOG: Final = logging.getLogger("router.http")
_VARY: Final = ("vary", "Accept, Accept-Encoding, Authorization, Origin")
_ONLY_VARY: Final[tuple[tuple[str, str], ...]] = (_VARY,)
_MEDIA: Final = {single: single.value for single in Single}  # an enum's own look-up is slow
_ALLOW: Final = {"Allow": "GET, POST, OPTIONS"}


class GraphQLOverHTTP:
    """The endpoint; ``handle`` answers one HTTP request on a GraphQL path."""

    def __init__(self, pipeline: Pipeline, subscriptions: Subscriptions) -> None:
        self.pipeline = pipeline
        self.subscriptions = subscriptions
        self.deadlines = Deadlines(pipeline.settings.http.request_timeout)
        self.streams = SingleConnections(pipeline, subscriptions)
        self.idempotency = Idempotency(pipeline.settings.idempotency)

    @property
    def settings(self) -> Settings:
        """The pipeline's settings, which a reload may exchange."""
        return self.pipeline.settings

    @property
    def malformed(self) -> int:
        """The status of JSON that is no well-formed request."""
        return 422 if self.settings.http.statuses == "draft" else 400

    async def configure(self, settings: Settings) -> None:
        """Go over to other settings; requests under way keep their deadline."""
        self.deadlines = Deadlines(settings.http.request_timeout)
        if settings.idempotency != self.idempotency.settings:
            before, self.idempotency = self.idempotency, Idempotency(settings.idempotency)
            await before.aclose()

    async def handle(
        self, scope: Scope, receive: Receive, send: Send, path: str, path_id: str | None = None
    ) -> None:
        """Answer one request; ``path`` names the client, ``path_id`` a persisted operation."""
        headers = request_headers(scope)
        accepted = accepts(headers.get("accept"))
        generation = self.pipeline.generation
        generation.hold()
        files: list[IncomingFiles] = []  # uploads are there until the answer is sent
        try:
            try:
                response = await self._answer(
                    scope, receive, files, headers, accepted, path, path_id
                )
            except RequestError as error:
                response = self.refusal(error, accepted)
            except ClientGone:
                raise
            except Exception as error:  # noqa: BLE001  # a client is always answered in GraphQL
                response = self.fault(error, accepted)
            if isinstance(response, Response):
                await send_response(send, self.dressed(response, headers))
            else:
                await response.send(receive, send, self._cors(headers))
        except ClientGone:
            return
        finally:
            for incoming in files:
                await incoming.aclose()
            generation.release()

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        files: list[IncomingFiles],
        headers: Mapping[str, str],
        accepted: Accepts,
        path: str,
        path_id: str | None,
    ) -> Response | streaming.Streamed:
        method = scope["method"]
        if method == "OPTIONS":
            return self._options(headers)
        settings = self.pipeline.settings
        token = self.streams.token_of(headers, scope.get("query_string", b""))
        streams = (method == "PUT" or token is not None) and settings.subscriptions.enabled
        _refuse_by_head(method, accepted, streams=streams)
        refuse_forgeable(settings.http.csrf, method, headers)
        pipeline = self.pipeline
        identity = pipeline.known_identity(headers) or await pipeline.authenticate(headers)
        client = pipeline.client_of(path, headers, identity)
        if "http" not in client.contract.transports:
            raise Refused("This client is not served over HTTP.", 403, "TRANSPORT_NOT_ALLOWED")
        if streams and method in ("PUT", "GET", "DELETE"):
            self._check_stream(client)
            return self._stream(method, token, identity, scope)
        read = (
            self._read_url(scope, path_id)
            if method == "GET"
            else await self._read_body(receive, files, headers, path_id)
        )
        if isinstance(read, GraphQLRequest):
            exchange = pipeline.exchange(client, read, headers)
            exchange.identity = identity
            exchange.files = files[0] if files else None
            if streams and token is not None:
                return await self.streams.start(token, exchange)
            return await self._one(exchange, accepted, method)
        if files:
            await files[0].whole()
        exchanges = [pipeline.exchange(client, request, headers) for request in read]
        for exchange in exchanges:
            exchange.identity = identity
        return await self._batch(exchanges, accepted)

    def _check_stream(self, client: Client) -> None:
        if "sse" not in client.contract.transports:
            raise Refused("This client is not served over sse.", 403, "TRANSPORT_NOT_ALLOWED")

    def _stream(
        self, method: str, token: str | None, identity: Identity, scope: Scope
    ) -> Response | streaming.Streamed:
        """SSE in single connection mode: reserve, open, stop."""
        if method == "PUT":
            return self.streams.reserve(identity)
        assert token is not None
        if method == "GET":
            return self.streams.open(token, identity)
        return self.streams.stop(token, identity, scope.get("query_string", b""))

    async def _one(
        self, exchange: Exchange, accepted: Accepts, method: str
    ) -> Response | streaming.Streamed:
        pipeline = self.pipeline
        exchange.in_parts = accepted.stream is not None
        try:
            await pipeline.prepare(exchange)
        except RequestError as error:
            if accepted.single is None:
                assert accepted.stream is not None
                return streaming.one(accepted.stream, errors_body(errors_of(error)))
            raise
        kind = exchange.kind
        key = exchange.headers.get("idempotency-key") if kind is OperationKind.MUTATION else None
        if exchange.files is not None:
            if key or kind is OperationKind.SUBSCRIPTION or exchange.operation.defers:
                await exchange.files.whole()
            else:
                exchange.files.arrange(exchange.plan)
        if kind is OperationKind.SUBSCRIPTION:
            return await self.subscriptions.over_http(exchange, accepted)
        if method == "GET" and kind is OperationKind.MUTATION:
            raise Refused(
                "Mutations need POST.", 405, "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
                headers={"Allow": "POST"},
            )  # fmt: skip
        if exchange.operation.defers and accepted.stream is not None:
            return streaming.deferred(pipeline, exchange, accepted.stream)
        if key is not None and self.idempotency.enabled:
            run = self.idempotency.run(exchange, key, self._run, pipeline.shown)
            answer, replayed = await run
        else:
            answer, replayed = pipeline.shown(exchange, await self._run(exchange)), False
        if accepted.single is None:
            assert accepted.stream is not None
            return streaming.one(accepted.stream, answer.body)
        response = self.whole(exchange, answer, accepted.single)
        if replayed:
            response.headers = (*response.headers, ("idempotency-replayed", "true"))
        if method == "GET":
            response = self._conditional(exchange, answer, response)
        return response

    async def _run(self, exchange: Exchange) -> Answer:
        if exchange.files is not None:
            seconds = self.settings.http.request_timeout
            return await exchange.files.run(self.pipeline.run(exchange), seconds)
        deadlines = self.deadlines
        task = asyncio.current_task()
        assert task is not None
        passed = False

        def late() -> None:
            nonlocal passed
            passed = True
            task.cancel()

        deadlines.begin(late, late)
        try:
            return await self.pipeline.run(exchange)
        except asyncio.CancelledError:
            if passed:
                task.uncancel()
                raise too_late() from None
            raise
        finally:
            deadlines.end(late)

    async def _batch(self, exchanges: Sequence[Exchange], accepted: Accepts) -> Response:
        """Answer a batch: every operation on its own, answers in the order of the requests."""

        async def one(exchange: Exchange) -> bytes:
            try:
                await self.pipeline.prepare(exchange)
                if exchange.kind is OperationKind.SUBSCRIPTION:
                    raise BadRequest(
                        "A subscription cannot be part of a batch.",
                        code="SUBSCRIPTIONS_NOT_SUPPORTED",
                    )
                return self.pipeline.shown(exchange, await self._run(exchange)).body
            except RequestError as error:
                return error_body(error)
            except Exception as error:  # noqa: BLE001  # one operation's fault stays with it
                return self.fault(error, accepted).body

        bodies = await asyncio.gather(*(one(exchange) for exchange in exchanges))
        single = accepted.single or Single.JSON
        return Response(200, b"[" + b",".join(bodies) + b"]", single.value, (_VARY,))

    def _read_url(self, scope: Scope, path_id: str | None) -> GraphQLRequest:
        query_string: bytes = scope.get("query_string", b"")
        limits = self.settings.limits
        if len(query_string) > limits.url_bytes:
            raise Refused(
                f"The URL is longer than {limits.url_bytes} bytes.", 414, "REQUEST_TOO_LARGE"
            )
        return request_from_query(
            query_string, limits.json_depth, path_id=path_id, malformed=self.malformed
        )

    async def _read_body(
        self,
        receive: Receive,
        files: list[IncomingFiles],
        headers: Mapping[str, str],
        path_id: str | None,
    ) -> GraphQLRequest | list[GraphQLRequest]:
        content_type = headers.get("content-type")
        limits = self.settings.limits
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused("Send the request unencoded.", 415, "UNSUPPORTED_CONTENT_TYPE")
        if content_type is not None and is_json_utf8(content_type):
            announced, seconds = headers.get("content-length"), self.settings.http.request_timeout
            try:
                async with asyncio.timeout(seconds):
                    raw = await read_body(receive, limits.body_bytes, announced)
            except TimeoutError:
                raise Refused(
                    f"The request's body did not come within {seconds:g} seconds.",
                    408,
                    "REQUEST_TIMEOUT",
                    headers={"Connection": "close"},
                ) from None
            body: Any = parse_json(raw, limits.json_depth)
        elif content_type is not None and content_type.lower().startswith("multipart/form-data"):
            body, incoming = await read_upload(receive, headers, self.settings.uploads, limits)
            files.append(incoming)
        else:
            raise Refused(
                "Send the request as 'content-type: application/json' in UTF-8.",
                415,
                "UNSUPPORTED_CONTENT_TYPE",
            )
        if not isinstance(body, list):
            return request_from_mapping(body, path_id=path_id, malformed=self.malformed)
        if not limits.batching or not body:
            raise Refused("The body must be a JSON object.", self.malformed, "BAD_REQUEST")
        if len(body) > limits.batch_operations:
            raise Refused(
                f"A batch holds at most {limits.batch_operations} operations.",
                self.malformed,
                "BATCH_TOO_LARGE",
            )
        return [request_from_mapping(item, malformed=self.malformed) for item in body]

    def whole(self, exchange: Exchange, answer: Answer, single: Single) -> Response:
        """The response with an answer that is shown whole."""
        status = 200
        if answer.errors and self.settings.http.statuses == "draft":
            status = 294
        headers = _ONLY_VARY
        if exchange.version_rules is not None:
            headers = (*headers, *_version_headers(exchange.version_rules))
        return Response(status, answer.body, _MEDIA[single], headers)

    def _conditional(self, exchange: Exchange, answer: Answer, response: Response) -> Response:
        """Give a GET's answer its validators; 304 when the client has it already."""
        if answer.errors:
            response.headers = (*response.headers, ("cache-control", "no-store"))
            return response
        tag = f'W/"{hashlib.blake2b(answer.body, digest_size=16).hexdigest()}"'
        rules = exchange.client.contract.persisted.cache_control
        name = exchange.operation.name or ""
        control = (
            rules.get(name, "private, no-cache") if exchange.persisted else "private, no-cache"
        )
        response.headers = (*response.headers, ("etag", tag), ("cache-control", control))
        wanted = exchange.headers.get("if-none-match")
        if wanted is not None and _matches(wanted, tag):
            return replace(response, status=304, body=b"", content_type=None)
        return response

    def refusal(self, error: RequestError, accepted: Accepts) -> Response:
        """A refusal in the media type and with the status that the client's Accept asks for."""
        single = accepted.single or Single.JSON
        headers: tuple[tuple[str, str], ...] = (_VARY,)
        if isinstance(error, Refused):
            headers = (*headers, *((k.lower(), v) for k, v in error.headers.items()))
            status = error.http_status
        elif isinstance(error, NoPlan) or (
            single is Single.JSON and self.settings.http.statuses == "audit"
        ):
            status = 200
        elif self.settings.http.statuses == "draft":
            status = 400 if error.error_code == "GRAPHQL_PARSE_FAILED" else 422
        else:
            status = status_of(error)
        return Response(status, error_body(error), single.value, headers)

    def fault(self, error: Exception, accepted: Accepts) -> Response:
        """A fault of ours: the client gets an id, the log the traceback without any value."""
        id_ = secrets.token_hex(8)
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[-6:])
        # the exception's own text is left out: it may hold what the client sent
        _LOG.error("fault id=%s %s\n%s", id_, type(error).__name__, "".join(frames))
        entry = {
            "message": "Internal server error.",
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "id": id_},
        }
        single = accepted.single or Single.JSON
        body = orjson.dumps({"data": None, "errors": [entry]})
        return Response(500, body, single.value, (_VARY,))

    def _options(self, headers: Mapping[str, str]) -> Response:
        if "access-control-request-method" in headers:
            return preflight(self.settings.http.cors, headers)
        return Response(204, b"", None, (("allow", _ALLOW["Allow"]),))

    def _cors(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        return cors_headers(self.settings.http.cors, headers.get("origin"))

    def dressed(self, response: Response, headers: Mapping[str, str]) -> Response:
        """The response as it goes out: with what CORS grants, compressed where that is asked."""
        cors = self._cors(headers) if "origin" in headers else ()
        if cors:
            response.headers = (*response.headers, *cors)
        http = self.settings.http
        if http.compression and len(response.body) >= http.compression_minimum:
            encoding = choose_encoding(headers.get("accept-encoding"))
            if encoding is not None:
                response.body = compress(response.body, encoding)
                response.headers = (*response.headers, ("content-encoding", encoding))
        return response


def request_headers(scope: Scope) -> dict[str, str]:
    """Headers by lower-case name, repeated lines joined; ``x-peer`` is the caller's address.

    A client cannot send ``x-peer`` itself: the connection's own address replaces it.
    """
    lines = scope["headers"]
    headers: dict[str, str] = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in lines
    }
    if len(headers) != len(lines):
        headers.clear()
        for raw_name, raw_value in lines:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    peer = scope.get("client")
    headers["x-peer"] = peer[0] if peer else ""
    return headers


def error_body(error: RouterError) -> bytes:
    """The response that says no; an operation without a plan has ``data``, and it is null."""
    if isinstance(error, NoPlan):
        return orjson.dumps({"data": None, "errors": errors_of(error)})
    if isinstance(error, OperationInvalid | RequestError):
        return errors_body(errors_of(error))
    return errors_body([error.to_graphql()])


def _matches(header: str, tag: str) -> bool:
    """Weak comparison of ``If-None-Match`` (RFC 9110, section 13.1.2)."""
    if header.strip() == "*":
        return True
    bare = tag.removeprefix("W/")
    return any(item.strip().removeprefix("W/") == bare for item in header.split(","))


def _refuse_by_head(method: str, accepted: Accepts, *, streams: bool) -> None:
    """Refuse a method, or what the client accepts, that is not served here."""
    if method not in ("GET", "POST") and not streams:
        raise Refused(
            f"The method {method} is not supported.", 405, "METHOD_NOT_ALLOWED", headers=_ALLOW
        )
    if accepted.single is None and accepted.stream is None:
        raise Refused(
            "None of the types in Accept can be produced; try application/graphql-response+json.",
            406,
            "NOT_ACCEPTABLE",
        )


def _version_headers(rules: VersionRules) -> tuple[tuple[str, str], ...]:
    """``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594) of an old app version."""
    if rules.deprecated is None:
        return ()
    headers = [("deprecation", f"@{int(_midnight(rules.deprecated).timestamp())}")]
    if rules.sunset is not None:
        headers.append(("sunset", format_datetime(_midnight(rules.sunset), usegmt=True)))
    return tuple(headers)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
