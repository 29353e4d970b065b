"""How a subgraph refuses.

    DomainError      the business says no: becomes a ``UserError`` in the mutation's payload
    ClientError      the caller asked wrongly, or may not: becomes a GraphQL error with a code
    anything else    our fault: the caller gets INTERNAL_ERROR and an id, the log gets the place

No error text quotes a chart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final
from uuid import uuid4

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from drassist.events import Lagged
from drassist.graph import fields as graph
from drassist.runtime.logs import get_logger

__all__ = [
    "ClientError",
    "DomainError",
    "ErrorCode",
    "Payload",
    "UserError",
    "mask",
]

log = get_logger(__name__)


@graph.enum("Why a mutation did not do what it was asked.")
class ErrorCode(Enum):
    VALIDATION_FAILED = graph.value("VALIDATION_FAILED", "A value is malformed or out of bounds.")
    NOT_FOUND = graph.value("NOT_FOUND", "What the mutation is about does not exist.")
    VERSION_CONFLICT = graph.value(
        "VERSION_CONFLICT", "Somebody else changed it meanwhile; read it again."
    )
    WRONG_STATE = graph.value("WRONG_STATE", "Its present state does not allow this.")
    CONFLICT = graph.value("CONFLICT", "It collides with something else, such as a taken slot.")
    DUPLICATE = graph.value("DUPLICATE", "It seems to exist already.")
    NOT_ALLOWED = graph.value("NOT_ALLOWED", "The caller may not do this.")
    STALE_CONTEXT = graph.value(
        "STALE_CONTEXT", "Patient, encounter and object do not belong together."
    )
    SAFETY_STOP = graph.value("SAFETY_STOP", "A safety check says no; it may be overridable.")
    UNAVAILABLE = graph.value("UNAVAILABLE", "A peer that is needed does not answer; try later.")


@graph.type("A reason, for people and for programs, why a mutation did not do it.", shareable=True)
class UserError:
    code: ErrorCode = graph.field("The kind of reason; programs decide by it.")
    message: str = graph.field("The reason in words, in English.")
    field: list[str] = graph.field(
        "Path to the input field concerned, outermost first; empty for the whole input.",
        default_factory=list,
    )


@graph.type("What a mutation returns.")
class Payload:
    """Base of what mutations return: the thing, or errors. Every own field defaults to None."""

    errors: list[UserError] = graph.field(
        "Why it was not done; empty when it was.", default_factory=list
    )


class DomainError(Exception):
    """The business says no.

    ``field`` is the path in the input, in GraphQL names; ``payload`` may fill fields of the
    mutation's payload beside the errors (say the present state after a version conflict).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *field: str,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = list(field)
        self.payload = dict(payload or {})


class ClientError(GraphQLError):
    """The caller asked for something that cannot be given; ``code`` says why, in capitals."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, extensions={"code": code})


_OURS: Final = "Something went wrong on our side."


def mask(error: GraphQLError) -> GraphQLError:
    """What the caller may see of an error: the wrong request in full, our faults as an id."""
    original = error.original_error
    if isinstance(original, Lagged):
        original = ClientError("LAGGED", "Events were missed: subscribe again.")
    if isinstance(original, ClientError):
        extensions: dict[str, Any] | None = dict(original.extensions or {})
        message = original.message
    elif original is None or isinstance(original, GraphQLError):
        if error.extensions and "code" in error.extensions:
            return error
        extensions = {"code": "BAD_REQUEST", **(error.extensions or {})}
        message = error.message
    else:
        number = uuid4().hex
        log.error("graph.failed", error_id=number, exc_info=original)
        extensions = {"code": "INTERNAL_ERROR", "errorId": number}
        message = _OURS
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


class MaskedErrors(SchemaExtension):
    """Applies :func:`mask` to whatever leaves the schema."""

    def on_operation(self) -> Iterator[None]:
        self._streamed = False
        yield
        if not self._streamed:
            _mask_all(self.execution_context.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        self._streamed = True
        _mask_all(result)
        yield None


def _mask_all(result: Any) -> None:
    if getattr(result, "errors", None):
        result.errors = [mask(error) for error in result.errors]
