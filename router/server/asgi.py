"""The ASGI words the server is written in, and the few helpers around them.

Raw ASGI and no framework: a request costs about as much as an echo. ``Response`` is one whole
answer; streams send their own messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

from router.server.refusals import Refused

__all__ = [
    "JSON",
    "ClientGone",
    "Header",
    "Message",
    "Receive",
    "Response",
    "Scope",
    "Send",
    "read_body",
    "send_response",
]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

JSON: Final = "application/json; charset=utf-8"


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Response(Struct):
    """One whole HTTP answer; ``headers`` come after content-type and content-length."""

    status: int
    body: bytes = b""
    content_type: str | None = JSON
    headers: tuple[tuple[str, str], ...] = ()


async def send_response(send: Send, response: Response) -> None:
    """Send ``response``."""
    headers: list[Header] = []
    if response.content_type is not None:
        headers.append(_line("content-type", response.content_type))
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(response.body)))
    for name, value in response.headers:
        headers.append(_line(name, value))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


@lru_cache(maxsize=256)
def _line(name: str, value: str) -> Header:
    return name.encode("latin-1"), value.encode("latin-1")


async def read_body(receive: Receive, limit: int, announced: str | None) -> bytes:
    """Read the whole body, at most ``limit`` bytes, else refuse with 413.

    ``announced`` is the content-length header: a body that says it is too large is not read.
    """
    if announced is not None and announced.isdigit() and int(announced) > limit:
        raise Refused(f"The request body is larger than {limit} bytes.", 413, "REQUEST_TOO_LARGE")
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise Refused(
                f"The request body is larger than {limit} bytes.", 413, "REQUEST_TOO_LARGE"
            )
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Refused(
                f"The request body is larger than {limit} bytes.", 413, "REQUEST_TOO_LARGE"
            )
    return b"".join(parts)
