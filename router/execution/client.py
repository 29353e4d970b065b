"""The port through which the executor reaches a subgraph; transports implement it.

Two forms of one port. :class:`SubgraphClient` is the plain one: a coroutine per request.
:class:`CallbackClient` adds ``begin``, which starts a request without a task and calls back
when it is over; at benchmark load the tasks cost more than the requests. The executor uses
``begin`` where a client has it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import orjson

from router.errors import SubgraphError

__all__ = [
    "NO_HEADERS",
    "UNREAD",
    "CallbackClient",
    "Cancel",
    "Outcome",
    "SubgraphAnswer",
    "SubgraphClient",
    "SubgraphRequest",
    "opening_of",
]

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class _Unread:
    """The type of :data:`UNREAD`."""

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Final = _Unread()
"""``SubgraphAnswer.data`` where only the bytes were kept (``SubgraphRequest.raw``)."""


class SubgraphRequest:
    """One GraphQL request to a subgraph; nobody changes it once it is made.

    ``operation`` is constant per plan, ``variables`` are JSON values, ``headers`` those that the
    router forwards. ``mutation`` requests are never shared or retried. ``raw``: the caller is
    content with the answer's bytes, unparsed, where it has data and no errors. ``reader``: the
    caller likes best what this makes of the answer's bytes; it returns None where it cannot read
    them. ``opening``: what :func:`opening_of` gave for the operation, from who sends it often.
    """

    __slots__ = (
        "_opening",
        "_variables_json",
        "headers",
        "mutation",
        "operation",
        "operation_name",
        "raw",
        "reader",
        "variables",
    )

    def __init__(
        self,
        operation: str,
        variables: Mapping[str, Any],
        operation_name: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        mutation: bool = False,
        raw: bool = False,
        opening: bytes | None = None,
        reader: Callable[[bytes], SubgraphAnswer | None] | None = None,
    ) -> None:
        self.operation = operation
        self.variables = variables
        self.operation_name = operation_name
        self.headers = headers
        self.mutation = mutation
        self.raw = raw
        self.reader = reader
        self._opening = opening
        self._variables_json: bytes | None = None

    def json(self) -> bytes:
        """Return the body of the request as JSON: the operation, its name, the variables."""
        opening = self._opening
        if opening is None:
            opening = self._opening = opening_of(self.operation, self.operation_name)
        if not self.variables:
            return b"%b}" % opening
        return b'%b,"variables":%b}' % (opening, self.variables_json())

    def variables_json(self) -> bytes:
        """Return the variables as JSON; made once, however many layers ask."""
        encoded = self._variables_json
        if encoded is None:
            encoded = self._variables_json = orjson.dumps(self.variables)
        return encoded


def opening_of(operation: str, operation_name: str | None) -> bytes:
    """Return the constant part of a request's JSON, without the last brace."""
    fixed = {"query": operation}
    if operation_name is not None:
        fixed["operationName"] = operation_name
    return orjson.dumps(fixed)[:-1]


class SubgraphAnswer:
    """What came back: the parsed GraphQL response, or its bytes where those are enough.

    ``data`` may be shared between requests in flight: readers copy before they change it.
    It is :data:`UNREAD` where the request allowed that and ``raw`` holds a response without
    errors; ``typed`` then is what the request's ``reader`` made of the data, if it has one.
    ``shared``: several requests were told this very object.
    """

    __slots__ = ("data", "errors", "extensions", "raw", "shared", "typed")

    def __init__(
        self,
        data: Any,
        errors: tuple[Any, ...] = (),
        extensions: Mapping[str, Any] = NO_HEADERS,
        raw: bytes | None = None,
        typed: Any = None,
    ) -> None:
        self.data = data
        self.errors = errors
        self.extensions = extensions
        self.raw = raw
        self.typed = typed
        self.shared = False

    def parsed(self) -> Outcome:
        """The same answer with its data as JSON values."""
        if self.typed is None or self.raw is None:
            return self
        try:
            data = orjson.loads(self.raw)["data"]
        except orjson.JSONDecodeError:  # in what the reader did not look at
            return SubgraphError(
                "The subgraph's response is not JSON.", code="SUBREQUEST_MALFORMED_RESPONSE"
            )
        return SubgraphAnswer(data, extensions=self.extensions)


Outcome: TypeAlias = SubgraphAnswer | SubgraphError
Cancel: TypeAlias = Callable[[], None]


class SubgraphClient(Protocol):
    """A subgraph, wherever it runs.

    ``fetch`` returns an answer or raises :class:`router.errors.SubgraphError`; it never raises
    anything else but ``CancelledError``. ``subscribe`` yields one answer per event and ends
    when the source completes; closing the iterator ends the upstream subscription.
    """

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer: ...

    def subscribe(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]: ...

    async def aclose(self) -> None: ...


class CallbackClient(Protocol):
    """A client that can be asked without a task.

    Where it also has ``reads = True`` it gives the bytes of an answer to ``request.reader``.
    ``begin`` starts the request and calls ``done`` exactly once, at once or later, unless the
    returned function was called before: then never. It must be called on the event loop.
    """

    def begin(self, request: SubgraphRequest, done: Callable[[Outcome], None]) -> Cancel: ...
