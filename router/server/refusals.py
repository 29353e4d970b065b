"""Refusals that know their HTTP status, and how refusals become GraphQL responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from router.errors import OperationInvalid, RequestError

__all__ = ["Refused", "errors_body", "errors_of", "status_of", "too_late"]


class Refused(RequestError):
    """The request is refused at the door.

    ``http_status`` holds for every media type: it says something about HTTP, not about GraphQL.
    ``headers`` are sent along (``Allow``, ``Retry-After``, ``WWW-Authenticate``).
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str = "BAD_REQUEST",
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(message, code=code, **extensions)
        self.http_status = status
        self.headers: Mapping[str, str] = headers or {}


def too_late() -> Refused:
    """What a request hears that took longer than ``http.request_timeout``."""
    return Refused("The request took too long.", 504, "GATEWAY_TIMEOUT")


def errors_of(error: RequestError) -> list[dict[str, Any]]:
    """The entries of ``errors`` that tell the client about ``error``."""
    if isinstance(error, OperationInvalid):
        return [_with_code(entry, error.error_code) for entry in error.errors]
    return [error.to_graphql()]


def status_of(error: RequestError) -> int:
    """The HTTP status of ``error`` where the media type does not decide otherwise."""
    return error.http_status if isinstance(error, Refused) else error.status


def errors_body(errors: Sequence[Mapping[str, Any]]) -> bytes:
    """A response without ``data``: nothing was executed (GraphQL spec, section 7.1.1)."""
    return orjson.dumps({"errors": list(errors)})


def _with_code(entry: Mapping[str, Any], code: str) -> dict[str, Any]:
    extensions = {"code": code, **entry.get("extensions", {})}
    return {**entry, "extensions": extensions}
