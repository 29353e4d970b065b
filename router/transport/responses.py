"""Bytes of a subgraph's response -> an answer, or the error that says what is wrong with them."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

import brotli
import orjson
import zstandard

from router.errors import SubgraphError
from router.execution.client import NO_HEADERS, UNREAD, SubgraphAnswer, SubgraphRequest

__all__ = ["answer_of", "decompress", "read_answer", "read_response"]


def read_response(
    body: bytes, status: int, request: SubgraphRequest, *, encoding: str = "", limit: int = 0
) -> SubgraphAnswer:
    """Read an HTTP response; a GraphQL body counts whatever the status is.

    ``encoding``: the content encodings to undo, within ``limit`` bytes. Raises SubgraphError:
    ``SUBREQUEST_HTTP_ERROR`` with the status where there is no GraphQL response and the status is no
    success, else ``SUBREQUEST_MALFORMED_RESPONSE``.
    """
    try:
        if encoding:
            body = decompress(body, encoding, limit)
        if request.raw and 200 <= status < 300 and _is_plain_data(body):
            return SubgraphAnswer(UNREAD, raw=body)
        if request.reader is not None and 200 <= status < 300:
            typed = request.reader(body)
            if typed is not None:
                return typed
        return read_answer(body)
    except SubgraphError:
        if 200 <= status < 300:
            raise
        raise SubgraphError(
            f"The subgraph answered with HTTP status {status}.", http={"status": status}
        ) from None


def read_answer(body: bytes) -> SubgraphAnswer:
    """Read a GraphQL response from JSON; raises SubgraphError where it is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _leniently(body)
    return answer_of(found)


def _leniently(body: bytes) -> Any:
    """Read JSON as JavaScript does: a BOM is skipped, half a surrogate pair is one wrong character.

    A server in JavaScript that cuts a text between the halves of an emoji sends such a half.
    """
    plain = _ESCAPES.sub(_whole_characters, body.removeprefix(_BOM))
    try:
        return orjson.loads(plain)
    except orjson.JSONDecodeError:
        raise _malformed("The subgraph's response is not JSON.") from None


_BOM: Final = b"\xef\xbb\xbf"
_ESCAPES: Final = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""An escape in a JSON text: a surrogate pair, half of one, or any other."""


def _whole_characters(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape[2] else escape[0]


def answer_of(found: Any) -> SubgraphAnswer:
    """Read a GraphQL response from its JSON value; raises SubgraphError where it is none."""
    if not isinstance(found, dict):
        raise _malformed("The subgraph's response is not a GraphQL response.")
    data = found.get("data")
    errors = found.get("errors")
    if data is None and "data" not in found and not errors:
        raise _malformed("The subgraph's response has neither data nor errors.")
    if data is not None and not isinstance(data, dict):
        raise _malformed("The subgraph's data is not an object.")
    extensions = found.get("extensions")
    return SubgraphAnswer(
        data,
        () if not errors else tuple(errors) if isinstance(errors, list) else (errors,),
        extensions if isinstance(extensions, dict) else NO_HEADERS,
    )


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo content encodings; raises SubgraphError where more than ``limit`` bytes come out."""
    for name in reversed([each.strip() for each in encoding.lower().split(",")]):
        try:
            body = _undo(body, name, limit)
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError):
            raise _malformed(f"The subgraph's {name} encoding is broken.") from None
        if len(body) > limit:
            raise SubgraphError(
                f"The subgraph's response is larger than {limit} bytes.",
                code="SUBREQUEST_TOO_LARGE",
            )
    return body


def _undo(body: bytes, name: str, limit: int) -> bytes:
    match name:
        case "" | "identity":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return _inflate(body, name, limit)
        case "br":
            decoder = brotli.Decompressor()
            decoded: bytes = decoder.process(body, output_buffer_limit=limit + 1)
            while not decoder.is_finished() and len(decoded) <= limit:
                more = decoder.process(b"", output_buffer_limit=limit + 1 - len(decoded))
                if not more:
                    raise EOFError
                decoded += more
            return decoded
        case "zstd":
            with zstandard.ZstdDecompressor().stream_reader(body) as reader:
                return bytes(reader.read(limit + 1))
        case _:
            raise _malformed("The subgraph's content encoding is unknown.")


def _inflate(body: bytes, name: str, limit: int) -> bytes:
    # 47: gzip or zlib, told apart by their headers; some send "deflate" without any (RFC 9110, 8.4.1.2)
    bare = name == "deflate" and body[:1] and body[0] & 15 != zlib.DEFLATED
    inflated = b""
    while True:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS if bare else 47)
        inflated += inflater.decompress(body, limit + 1 - len(inflated))
        if len(inflated) > limit:
            return inflated
        if not inflater.eof:
            raise EOFError
        body = inflater.unused_data
        if not body.startswith(_GZIP):  # a gzip file may have several members (RFC 1952, 2.2)
            return inflated


_GZIP: Final = b"\x1f\x8b"


def _is_plain_data(body: bytes) -> bool:
    return (
        body.startswith(b'{"data":{')
        and body.endswith(b"}}")
        and b'"errors"' not in body
        and b'"extensions"' not in body
    )


def _malformed(message: str) -> SubgraphError:
    return SubgraphError(message, code="SUBREQUEST_MALFORMED_RESPONSE")
