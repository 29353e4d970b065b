"""How this subgraph says no: a code for programs, and no word about a chart."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from graphql import GraphQLError

from drassist.runtime.identity import Identity, ScopeSets
from drassist.runtime.logs import get_logger

__all__ = ["Refused", "coded", "demand"]

log = get_logger(__name__)


class Refused(GraphQLError):
    """The caller asked wrongly, or may not."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, extensions={"code": code})


def demand(identity: Identity, alternatives: ScopeSets = ()) -> None:
    """Raise UNAUTHENTICATED or FORBIDDEN; the router checks the same before it asks."""
    if not identity.authenticated:
        raise Refused("UNAUTHENTICATED", "Log in first.")
    if alternatives and not identity.may(alternatives):
        raise Refused("FORBIDDEN", "Your role does not allow this.")


def coded(error: GraphQLError, debug: bool = False) -> dict[str, Any]:
    """The error as it leaves the subgraph: our own faults become an id, the log gets the class."""
    formatted: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    if cause is not None and not isinstance(cause, GraphQLError):
        id = str(uuid4())
        log.error("graph.fault", subgraph="bff", error_id=id, error_class=type(cause).__name__)
        formatted["message"] = f"Internal error {id}."
        formatted["extensions"] = {"code": "INTERNAL_ERROR", "errorId": id}
    elif "code" not in (formatted.get("extensions") or {}):
        formatted["extensions"] = {"code": "BAD_USER_INPUT"}
    return formatted
