"""A subgraph in this process: a graphql-core (or Ariadne) schema, a Strawberry schema, an ASGI app.

Operations of plans repeat, so documents are parsed and validated once. Variables are copied for
every execution: resolvers may change what they are given (Strawberry takes ``__typename`` out of
representations).
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, Protocol, TypeAlias

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    execute,
    parse,
    validate,
)
from graphql import subscribe as graphql_subscribe

from router.errors import SubgraphError
from router.execution.client import (
    NO_HEADERS,
    Cancel,
    Outcome,
    SubgraphAnswer,
    SubgraphRequest,
)
from router.execution.starting import begin as begin_any
from router.execution.starting import wait_for
from router.execution.upload import UploadBroken
from router.transport.form import Form
from router.transport.responses import read_response
from router.transport.streaming import events_of

__all__ = ["InProcessClient", "MakeContext"]

MakeContext: TypeAlias = Callable[[SubgraphRequest], Any]
"""Makes a resolver context out of a request (its headers say who asks); may be a coroutine."""

Message: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]

MAX_DOCUMENTS: Final = 1_024
MAX_BYTES: Final = 64 * 1024 * 1024


class _Runner(Protocol):
    def run(self, request: SubgraphRequest) -> Any: ...

    def events(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]: ...


class InProcessClient:
    """A :class:`SubgraphClient` without a wire; make one with the ``from_`` methods."""

    def __init__(self, runner: _Runner) -> None:
        self._runner = runner

    @classmethod
    def from_graphql(
        cls, schema: GraphQLSchema, *, context: MakeContext | None = None, root: Any = None
    ) -> InProcessClient:
        """Serve an executable graphql-core schema (Ariadne makes these)."""
        return cls(_GraphQL(schema, context, root))

    @classmethod
    def from_strawberry(
        cls, schema: Any, *, context: MakeContext | None = None, root: Any = None
    ) -> InProcessClient:
        """Serve a Strawberry schema, with its extensions."""
        return cls(_Strawberry(schema, context, root))

    @classmethod
    def from_asgi(
        cls, app: App, path: str = "/graphql", *, headers: Mapping[str, str] = NO_HEADERS
    ) -> InProcessClient:
        """Serve any ASGI app that speaks GraphQL over HTTP at ``path``; lifespan is the caller's."""
        return cls(_Asgi(app, path, headers))

    def begin(self, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel:
        """Run the operation; where nothing has to be awaited it is over when this returns."""
        try:
            running = self._runner.run(request)
        except SubgraphError as error:
            done(error)
            return _nothing
        except Exception as error:  # noqa: BLE001  # a schema that breaks is a sick subgraph
            done(_broken(error))
            return _nothing
        if isinstance(running, SubgraphAnswer):
            done(running)
            return _nothing
        return begin_any(_Awaiting(running), request, done)

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        """Run the operation and await its answer."""
        return await wait_for(self, request)

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        """Yield one answer per event; closing the iterator closes the source."""
        events = self._runner.events(request)
        try:
            async for event in events:
                yield event
        except (SubgraphError, asyncio.CancelledError, GeneratorExit):
            raise
        except Exception as error:
            raise _broken(error) from error
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def aclose(self) -> None:
        """Nothing to close: the schema is the caller's."""


class _Awaiting:
    """An execution under way, as a client of the plain form."""

    def __init__(self, running: Awaitable[SubgraphAnswer]) -> None:
        self._running = running

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        try:
            return await self._running
        except SubgraphError:
            raise
        except Exception as error:
            raise _broken(error) from error

    async def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        yield await self.fetch(request)

    async def aclose(self) -> None:
        """Nothing to close."""


class _GraphQL:
    def __init__(self, schema: GraphQLSchema, context: MakeContext | None, root: Any) -> None:
        self._schema = schema
        self._context = context
        self._root = root
        self._documents: OrderedDict[str, DocumentNode | list[GraphQLError]] = OrderedDict()

    def run(self, request: SubgraphRequest) -> Any:
        document = self._document(request.operation)
        if isinstance(document, list):
            return _answer(ExecutionResult(None, document))
        context = self._context(request) if self._context is not None else None
        if inspect.isawaitable(context):
            return self._run_later(request, document, context)
        result = self._execute(request, document, context)
        return _later(result) if inspect.isawaitable(result) else _answer(result)

    async def events(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        document = self._document(request.operation)
        if isinstance(document, list):
            yield _answer(ExecutionResult(None, document))
            return
        context = self._context(request) if self._context is not None else None
        if inspect.isawaitable(context):
            context = await context
        found: Any = graphql_subscribe(
            self._schema,
            document,
            root_value=self._root,
            context_value=context,
            variable_values=_variables(request),
            operation_name=request.operation_name,
        )
        if inspect.isawaitable(found):
            found = await found
        async for event in _events(found):
            yield event

    async def _run_later(
        self, request: SubgraphRequest, document: DocumentNode, context: Awaitable[Any]
    ) -> SubgraphAnswer:
        result = self._execute(request, document, await context)
        return _answer(await result if inspect.isawaitable(result) else result)

    def _execute(self, request: SubgraphRequest, document: DocumentNode, context: Any) -> Any:
        return execute(
            self._schema,
            document,
            root_value=self._root,
            context_value=context,
            variable_values=_variables(request),
            operation_name=request.operation_name,
        )

    def _document(self, text: str) -> DocumentNode | list[GraphQLError]:
        found = self._documents.get(text)
        if found is None:
            try:
                document = parse(text, no_location=True)
                found = validate(self._schema, document) or document
            except GraphQLError as error:
                found = [error]
            self._documents[text] = found
            if len(self._documents) > MAX_DOCUMENTS:
                self._documents.popitem(last=False)
        return found


class _Strawberry:
    def __init__(self, schema: Any, context: MakeContext | None, root: Any) -> None:
        from strawberry.extensions import ParserCache, ValidationCache

        # a copy with caches; the caller's schema keeps the extensions it has
        self._schema = copy.copy(schema)
        self._schema.extensions = [
            *schema.extensions,
            ParserCache(maxsize=MAX_DOCUMENTS),
            ValidationCache(maxsize=MAX_DOCUMENTS),
        ]
        self._context = context
        self._root = root

    async def run(self, request: SubgraphRequest) -> SubgraphAnswer:
        result = await self._schema.execute(
            request.operation,
            variable_values=_variables(request),
            context_value=await self._made(request),
            root_value=self._root,
            operation_name=request.operation_name,
        )
        return _answer(result)

    async def events(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        found = await self._schema.subscribe(
            request.operation,
            variable_values=_variables(request),
            context_value=await self._made(request),
            root_value=self._root,
            operation_name=request.operation_name,
        )
        async for event in _events(found):
            yield event

    async def _made(self, request: SubgraphRequest) -> Any:
        if self._context is None:
            return {"request": request, "headers": request.headers}
        made = self._context(request)
        return await made if inspect.isawaitable(made) else made


class _Asgi:
    def __init__(self, app: App, path: str, headers: Mapping[str, str]) -> None:
        self._app = app
        self._path = path
        self._headers = headers

    async def run(self, request: SubgraphRequest) -> SubgraphAnswer:
        exchange = self._exchange(request, _ACCEPT)
        await self._app(exchange.scope, exchange.receive, exchange.send)
        body = b""
        while (chunk := exchange.chunks.get_nowait()) is not None:
            body += chunk
        return read_response(body, exchange.status, request)

    async def events(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        exchange = self._exchange(request, _ACCEPT_STREAM)
        serving = asyncio.ensure_future(self._serve(exchange))
        try:
            await exchange.started.wait()
            chunks = exchange.stream()
            async for answer in events_of(
                chunks, exchange.status, exchange.content_type, MAX_BYTES, request
            ):
                yield answer
        finally:
            exchange.disconnected.set()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def _serve(self, exchange: _Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        finally:
            exchange.started.set()
            exchange.chunks.put_nowait(None)

    def _exchange(self, request: SubgraphRequest, accept: bytes) -> _Exchange:
        try:
            pieces, kind = _one(_body(request)), _JSON
        except TypeError:  # files are no JSON
            form = Form(request)
            pieces, kind = form.pieces(), form.content_type.encode("latin-1")
        return _Exchange(self._scope(request, accept, kind), pieces)

    def _scope(self, request: SubgraphRequest, accept: bytes, kind: bytes) -> dict[str, Any]:
        headers = [
            (b"host", b"subgraph"),
            (b"content-type", kind),
            (b"accept", accept),
        ]
        if kind != _JSON:
            headers.append((b"apollo-require-preflight", b"true"))
        for name, value in {**self._headers, **request.headers}.items():
            headers.append((name.lower().encode("latin-1"), value.encode("latin-1", "replace")))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("subgraph", 80),
        }


class _Exchange:
    """One ASGI request and its response."""

    def __init__(self, scope: dict[str, Any], body: AsyncIterator[bytes]) -> None:
        self.scope = scope
        self.status = 500
        self.content_type = ""
        self.started = asyncio.Event()
        self.disconnected = asyncio.Event()
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._body: AsyncIterator[bytes] | None = body

    async def receive(self) -> Message:
        if self._body is not None:
            try:
                piece = await anext(self._body)
            except StopAsyncIteration:
                self._body = None
                return {"type": "http.request", "body": b"", "more_body": False}
            except UploadBroken:  # the app must not take the half for the whole
                self._body = None
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": True}
        await self.disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message.get("headers", ()):
                if bytes(name).lower() == b"content-type":
                    self.content_type = bytes(value).decode("latin-1")
            self.started.set()
        elif message["type"] == "http.response.body":
            if message.get("body"):
                self.chunks.put_nowait(bytes(message["body"]))
            if not message.get("more_body"):
                self.chunks.put_nowait(None)
                self.disconnected.set()

    async def stream(self) -> AsyncIterator[bytes]:
        while (chunk := await self.chunks.get()) is not None:
            yield chunk


_JSON: Final = b"application/json"
_ACCEPT: Final = b"application/graphql-response+json, application/json;q=0.9"
_ACCEPT_STREAM: Final = b"text/event-stream, multipart/mixed;subscriptionSpec=1.0;q=0.9"


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _body(request: SubgraphRequest) -> bytes:
    body: dict[str, Any] = {"query": request.operation}
    if request.operation_name is not None:
        body["operationName"] = request.operation_name
    if request.variables:
        body["variables"] = request.variables
    return orjson.dumps(body)


def _variables(request: SubgraphRequest) -> dict[str, Any]:
    if not request.variables:
        return {}
    try:
        copied: dict[str, Any] = orjson.loads(request.variables_json())
    except TypeError:  # uploaded files are no JSON; the containers around them are copied
        return {name: _copied(value) for name, value in request.variables.items()}
    return copied


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


async def _later(result: Awaitable[Any]) -> SubgraphAnswer:
    return _answer(await result)


async def _events(found: Any) -> AsyncIterator[SubgraphAnswer]:
    """Yield the results of a source, or the one result that says why there is none."""
    if not hasattr(found, "__aiter__"):
        yield _answer(found)
        return
    try:
        async for event in found:
            yield _answer(event)
    finally:
        close = getattr(found, "aclose", None)
        if close is not None:
            await close()


def _answer(result: Any) -> SubgraphAnswer:
    errors = result.errors
    extensions = getattr(result, "extensions", None)
    return SubgraphAnswer(
        result.data,
        tuple(dict(error.formatted) for error in errors) if errors else (),
        extensions or NO_HEADERS,
    )


def _broken(error: Exception) -> SubgraphError:
    # the text of a foreign error may hold patients' data
    return SubgraphError(f"The subgraph failed ({type(error).__name__}).")


def _nothing() -> None:
    return None
