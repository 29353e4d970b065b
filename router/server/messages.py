"""The GraphQL request inside an HTTP request (GraphQL over HTTP, sections 5 and 6).

Bytes and strings in, :class:`GraphQLRequest` out, no I/O. Stricter than Python's JSON: UTF-8
only, no NaN, bounded nesting, no parameter twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from msgspec import Struct, field

from router.server.refusals import Refused

__all__ = ["GraphQLRequest", "parse_json", "request_from_mapping", "request_from_query"]

_PARAMETERS: Final = ("query", "operationName", "variables", "extensions", "documentId", "doc_id")
_DOCUMENT_ID: Final = re.compile(r"[A-Za-z0-9._~:-]{1,256}")


class GraphQLRequest(Struct):
    """What a client asks for; at least one of ``query`` and ``document_id`` is present.

    ``document_id`` comes from ``documentId``, ``doc_id`` or ``extensions.persistedQuery``; for
    the latter ``apq`` is True: the text may come along to be registered.
    """

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None
    apq: bool = False


def parse_json(body: bytes, depth: int, what: str = "The body") -> Any:
    """Read strict JSON, nested at most ``depth`` levels; raises 400, naming ``what``, otherwise."""
    # counting brackets is cheap and an upper bound; only suspicious bodies are walked
    if body.count(b"[") + body.count(b"{") > depth and _nesting(body) > depth:
        raise Refused(f"{what} is nested deeper than {depth} levels of JSON.", 400, "BAD_REQUEST")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"{what} is not valid JSON: {error}.", 400, "BAD_REQUEST") from error


def request_from_mapping(
    body: object, *, path_id: str | None = None, malformed: int = 400
) -> GraphQLRequest:
    """Read the parameters of a JSON object; unknown members are ignored, as the spec says.

    ``malformed`` is the status of a body that is JSON but no well-formed request.
    """
    if not isinstance(body, dict):
        raise Refused("The body must be a JSON object.", malformed, "BAD_REQUEST")
    query = _text(body, "query", malformed)
    operation_name = _text(body, "operationName", malformed)
    variables = _map(body, "variables", malformed)
    extensions = _map(body, "extensions", malformed) or {}
    document_id = (
        path_id or _text(body, "documentId", malformed) or _text(body, "doc_id", malformed)
    )
    apq = False
    if document_id is None and (persisted := extensions.get("persistedQuery")) is not None:
        if not isinstance(persisted, dict) or not isinstance(persisted.get("sha256Hash"), str):
            raise Refused("extensions.persistedQuery lacks sha256Hash.", malformed, "BAD_REQUEST")
        if persisted.get("version", 1) != 1:
            raise Refused("Unsupported persisted query version.", malformed, "BAD_REQUEST")
        document_id, apq = persisted["sha256Hash"], True
    if document_id is not None and not _DOCUMENT_ID.fullmatch(document_id):
        raise Refused("The document id is malformed.", malformed, "BAD_REQUEST")
    if query is None and document_id is None:
        raise Refused("The request lacks 'query'.", malformed, "BAD_REQUEST")
    return GraphQLRequest(query, operation_name, variables, extensions, document_id, apq)


def request_from_query(
    query_string: bytes, depth: int, *, path_id: str | None = None, malformed: int = 400
) -> GraphQLRequest:
    """Read the parameters of a URL; an empty optional parameter is an absent one.

    A parameter that comes twice is refused: a cache in front might read the other one.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise Refused("The query string is not URL-encoded UTF-8.", 400) from error
    body: dict[str, Any] = {}
    for name, value in pairs:
        if name not in _PARAMETERS:
            continue
        if name in body:
            raise Refused(f"The parameter {name!r} comes twice.", 400, "BAD_REQUEST")
        body[name] = value
    for name in ("operationName", "documentId", "doc_id", "variables", "extensions"):
        if body.get(name) == "":
            del body[name]
    for name in ("variables", "extensions"):
        if name in body:
            body[name] = parse_json(body[name].encode(), depth, f"The parameter {name!r}")
    return request_from_mapping(body, path_id=path_id, malformed=malformed)


def _text(body: Mapping[str, Any], name: str, status: int) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name!r} must be a string.", status, "BAD_REQUEST")
    return value


def _map(body: Mapping[str, Any], name: str, status: int) -> dict[str, Any] | None:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise Refused(f"{name!r} must be an object.", status, "BAD_REQUEST")
    return value


_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _nesting(body: bytes) -> int:
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", body):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
