"""A small library graph behind a real router: two Strawberry subgraphs in process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from ariadne import MutationType, QueryType, SubscriptionType
from ariadne.contrib.federation import FederatedObjectType, make_federated_schema

from router import Router
from tests.patience import PATIENCE
from tests.router.asgi import http_to
from tests.router.foreign_issuer import foreign_packages

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@tag", "@authenticated", "@requiresScopes", "@policy", "@cost", "@listSize"])
"""

BOOKS = (
    LINK
    + """
type Query {
  books(first: Int): [Book!]!
  book(id: ID!): Book
  find(borrower: String! @tag(name: "phi")): Book
  vault: Vault @tag(name: "internal")
}
type Mutation { lend(id: ID!): Int! burn: Int! @tag(name: "internal") }
type Subscription { arrivals: Book! }
type Vault @tag(name: "internal") { gold: Int! }
type Book @key(fields: "id") {
  id: ID!
  title: String!
  borrower: String @tag(name: "phi")
  shelfCode: String @tag(name: "internal")
  price: Int @authenticated
  stock: Int! @requiresScopes(scopes: [["stock:read"]])
  notes: String @policy(policies: [["on-duty"]])
  broken: String @tag(name: "phi")
  torn: String
}
"""
)

AUTHORS = (
    LINK
    + """
type Query { authors: [String!]! }
type Book @key(fields: "id") { id: ID! author: String! }
"""
)


class Library:
    """The state behind the subgraphs, for tests to look at and to move."""

    def __init__(self) -> None:
        self.loans: list[str] = []
        self.calls: list[str] = []
        self.events: list[asyncio.Queue[str | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def passed(self) -> None:
        """Where resolvers wait while the gate is closed (``gate.clear()``)."""
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1

    async def held(self, requests: int) -> None:
        """Wait until so many requests stand at the closed gate."""
        async with asyncio.timeout(PATIENCE):
            while self.waiting != requests:
                await asyncio.sleep(0.005)

    async def published_to(self, listeners: int) -> None:
        """Wait until so many upstream subscriptions are open."""
        async with asyncio.timeout(PATIENCE):
            while len(self.events) != listeners:
                await asyncio.sleep(0.005)

    def publish(self, title: str | None) -> None:
        for queue in self.events:
            queue.put_nowait(title)

    def books(self, more: str = "") -> Any:
        query, book = QueryType(), FederatedObjectType("Book")
        mutation, subscription = MutationType(), SubscriptionType()

        @query.field("books")
        async def books(*_: Any, first: int | None = None) -> list[dict[str, Any]]:
            await self.passed()
            self.calls.append("books")
            return [
                {"id": "1", "title": "Emma", "borrower": "Asha Rao"},
                {"id": "2", "title": "Walden", "shelfCode": "X9"},
            ][:first]

        @query.field("book")
        def one(*_: Any, id: str) -> dict[str, Any] | None:
            return {"id": id, "title": "Emma"} if id == "1" else None

        @query.field("find")
        def find(*_: Any, borrower: str) -> None:
            raise ValueError(f"nobody is called {borrower}")

        @query.field("vault")
        def vault(*_: Any) -> dict[str, int]:
            self.calls.append("vault")
            return {"gold": 1}

        @mutation.field("lend")
        async def lend(*_: Any, id: str) -> int:
            await self.passed()
            self.loans.append(id)
            return len(self.loans)

        @subscription.source("arrivals")
        async def arrivals(*_: Any) -> AsyncIterator[dict[str, Any]]:
            queue: asyncio.Queue[str | None] = asyncio.Queue()
            self.events.append(queue)
            try:
                while (title := await queue.get()) is not None:
                    yield {"id": "9", "title": title}
            finally:
                self.events.remove(queue)

        @subscription.field("arrivals")
        def arrival(event: dict[str, Any], *_: Any) -> dict[str, Any]:
            return event

        for name in ("price", "stock", "notes"):
            book.set_field(name, self._counted(name))

        @book.field("broken")
        def broken(*_: Any) -> None:
            raise ValueError("cannot read the card of Asha Rao")

        @book.field("torn")
        def torn(*_: Any) -> None:
            raise ValueError("page 7 is torn")

        @book.reference_resolver
        def by_reference(_: Any, __: Any, representation: dict[str, Any]) -> dict[str, Any]:
            self.calls.append("book by key")
            return {"id": representation["id"], "title": "Emma"}

        return make_federated_schema(BOOKS + more, [query, book, mutation, subscription])

    def _counted(self, name: str) -> Any:
        def resolve(*_: Any) -> Any:
            self.calls.append(name)
            return {"price": 7, "stock": 3, "notes": "handle with care"}[name]

        return resolve

    def authors(self, word: str = "author of") -> Any:
        query, book = QueryType(), FederatedObjectType("Book")
        query.set_field("authors", lambda *_: ["Austen", "Thoreau"])
        book.set_field("author", lambda parent, *_: f"{word} {parent['id']}")
        book.reference_resolver(lambda _, __, representation: {"id": representation["id"]})
        return make_federated_schema(AUTHORS, [query, book])

    def subgraphs(self) -> dict[str, Any]:
        return {"books": self.books(), "authors": self.authors()}


@pytest.fixture(scope="session")
def clients_js() -> Path:
    """The folder with the npm packages that other people wrote; skips loudly without Node."""
    return foreign_packages()


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
async def started(library: Library) -> AsyncIterator[Callable[..., Any]]:
    """``await started(**options)`` gives a started router over the library."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Router:
            router = Router.from_subgraphs(options.pop("subgraphs", library.subgraphs()), **options)
            return await stack.enter_async_context(router)

        yield start


@pytest.fixture
async def client(started: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """``await client(**options)`` gives an HTTP client of a started router."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> httpx2.AsyncClient:
            router = await started(**options)
            return await stack.enter_async_context(http_to(router))

        yield make


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI app on a free port; yields host:port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def serving() -> AsyncIterator[Callable[..., Any]]:
    """``await serving(app)`` gives host:port of any app on a real socket."""
    async with AsyncExitStack() as stack:

        async def make(app: Any) -> str:
            return await stack.enter_async_context(serve(app))

        yield make


@pytest.fixture
async def served(started: Callable[..., Any], serving: Callable[..., Any]) -> Callable[..., Any]:
    """``await served(**options)`` gives host:port of a router on a real socket."""

    async def make(**options: Any) -> Any:
        return await serving(await started(**options))

    return make
