"""Content negotiation: what a client accepts for one answer, and for a stream of answers.

The two are chosen apart (GraphQL over HTTP, section 6.3): ``single`` for queries and errors,
``stream`` for subscriptions and deferred answers. A client that names only stream types gets
even its errors as a stream of one event. ``q`` is honoured, on equal ``q`` the header's order
decides, ``*/*`` and no header mean ``application/json``.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from msgspec import Struct

__all__ = ["Accepts", "Single", "Stream", "accepts", "is_json_utf8"]


class Single(Enum):
    """The media type of one whole GraphQL response."""

    JSON = "application/json; charset=utf-8"
    GRAPHQL = "application/graphql-response+json; charset=utf-8"


class Stream(Enum):
    """How a stream of responses is framed.

    ``MULTIPART`` is the subscription protocol 1.0; the ``DEFER_*`` members differ in the shape of
    incremental payloads: of 2022, of the current spec (ids), and both in one.
    """

    SSE = "sse"
    MULTIPART = "multipart"
    DEFER_2022 = "defer-2022"
    DEFER_IDS = "defer-ids"
    DEFER_BOTH = "defer-both"


class Accepts(Struct, frozen=True):
    """The best type of either kind, None where the client takes none."""

    single: Single | None
    stream: Stream | None


@lru_cache(maxsize=512)
def accepts(header: str | None) -> Accepts:
    """Read an ``Accept`` header."""
    if header is None or not header.strip():
        return Accepts(Single.JSON, None)
    ranges = sorted(_ranges(header), key=lambda item: -item[0])
    single: Single | None = None
    stream: Stream | None = None
    for quality, media, parameters in ranges:
        if quality <= 0:
            continue
        match media:
            case "application/graphql-response+json":
                single = single or Single.GRAPHQL
            case "application/json" | "*/*" | "application/*":
                single = single or Single.JSON
            case "text/event-stream":
                stream = stream or Stream.SSE
            case "multipart/mixed":
                stream = stream or _multipart(parameters)
    if single is Single.JSON and _refuses(ranges, "application/json"):
        single = Single.GRAPHQL
    return Accepts(single, stream)


@lru_cache(maxsize=64)
def is_json_utf8(content_type: str) -> bool:
    """Whether a request body of this type is JSON that we read; the charset must be UTF-8."""
    media, *parameters = (part.strip() for part in content_type.lower().split(";"))
    charset = next((p[8:].strip("\"' ") for p in parameters if p.startswith("charset=")), "utf-8")
    return media == "application/json" and charset in {"utf-8", "utf8"}


def _ranges(header: str) -> list[tuple[float, str, dict[str, str]]]:
    found = []
    for part in header.lower().split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        if not media:
            continue
        parameters = {}
        for piece in rest:
            name, _, value = piece.partition("=")
            parameters[name.strip()] = value.strip().strip('"')
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        found.append((quality, media, parameters))
    return found


def _multipart(parameters: dict[str, str]) -> Stream:
    if "subscriptionspec" in parameters:
        return Stream.MULTIPART
    if "deferspec" in parameters:
        return Stream.DEFER_2022
    if "incrementalspec" in parameters:
        return Stream.DEFER_IDS
    return Stream.DEFER_BOTH


def _refuses(ranges: list[tuple[float, str, dict[str, str]]], media: str) -> bool:
    return any(quality <= 0 and name == media for quality, name, _ in ranges)
