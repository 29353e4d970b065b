"""Every way in which the router says no.

    RouterError
    ├── CompositionFailed        the subgraphs do not make one supergraph (all problems at once)
    ├── SupergraphInvalid        a supergraph SDL that cannot be loaded
    ├── SettingsInvalid          a settings, contract or manifest file that cannot be used
    ├── RequestError             the client's request is refused before execution
    │   ├── BadRequest               not GraphQL over HTTP
    │   ├── OperationInvalid         parse or validation errors of the document
    │   └── NoPlan                   no subgraph combination answers this operation
    └── SubgraphError            a fetch failed; becomes data: an error at the paths it fed

Each error has a ``code`` for programs and a message for people. ``extensions`` never carry
secrets or the values of variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = [
    "BadRequest",
    "NoPlan",
    "OperationInvalid",
    "RequestError",
    "RouterError",
    "SettingsInvalid",
    "SubgraphError",
    "SupergraphInvalid",
]


class RouterError(Exception):
    """The root of the tree; ``code`` is stable, the message may change."""

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, code: str | None = None, **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.extensions: Mapping[str, Any] = extensions

    def to_graphql(self) -> dict[str, Any]:
        """Return the error as an entry of ``errors`` (GraphQL spec, section 7.1.2)."""
        return {"message": self.message, "extensions": {"code": self.error_code, **self.extensions}}


class SupergraphInvalid(RouterError):
    """A supergraph SDL that cannot be loaded."""

    code = "INVALID_FEDERATION_SUPERGRAPH"


class SettingsInvalid(RouterError):
    """A file the router was given cannot be used; the message names file, line and mend."""

    code = "SETTINGS_INVALID"


class RequestError(RouterError):
    """The request is refused before anything is fetched."""

    code = "BAD_REQUEST"
    status: ClassVar[int] = 400


class BadRequest(RequestError):
    """The HTTP request is no GraphQL request."""


class OperationInvalid(RequestError):
    """The document does not parse or does not validate; ``errors`` holds every finding."""

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, errors: Sequence[Mapping[str, Any]], *, code: str | None = None) -> None:
        super().__init__(str(errors[0]["message"]) if errors else "Invalid operation.", code=code)
        self.errors = tuple(errors)


class NoPlan(RequestError):
    """No combination of subgraphs can answer the operation."""

    code = "QUERY_PLANNING_FAILED"


class SubgraphError(RouterError):
    """A fetch that brought no usable answer.

    Codes: ``SUBREQUEST_HTTP_ERROR`` (unreachable, or a status without a GraphQL body),
    ``SUBREQUEST_TIMEOUT``, ``SUBREQUEST_MALFORMED_RESPONSE``, ``SUBREQUEST_TOO_LARGE``.
    """

    code = "SUBREQUEST_HTTP_ERROR"
