"""Where a subgraph is, and the constant bytes of a request to it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct, field

from router.errors import SettingsInvalid
from router.execution.client import SubgraphRequest
from router.transport.form import Form

__all__ = ["Endpoint", "HttpOptions", "Subscribing"]

Subscribing = Literal["auto", "websocket", "http"]

_OWNED: Final = frozenset(
    [
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
"""Headers that the transport sets itself, or that end at each hop."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*\Z")


class HttpOptions(Struct, frozen=True, kw_only=True):
    """How a subgraph is asked over HTTP.

    ``timeout``: seconds for a request, waiting for a connection included. ``max_bytes`` bounds an
    answer, also after decompression. ``connections``: so many at once, the rest waits.
    ``keep_alive``: seconds after which an idle connection is not used again. ``encodings`` are
    offered; none by default, for in one network compression costs more than it saves.
    ``subscriptions``: ``auto`` tries the WebSocket first and remembers. ``event_timeout``:
    seconds without any byte after which a subscription counts as broken; 0: never.
    """

    timeout: float = 30.0
    max_bytes: int = 64 * 1024 * 1024
    connections: int = 256
    keep_alive: float = 30.0
    encodings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    ssl: ssl.SSLContext | None = None
    subscriptions: Subscribing = "auto"
    event_timeout: float = 0.0


class Endpoint:
    """A subgraph's URL, taken apart once; writes requests."""

    def __init__(self, url: str, options: HttpOptions) -> None:
        parts = _parts(url)
        secure = parts.scheme == "https"
        self.url = url
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if secure else 80)
        self.ssl: ssl.SSLContext | None = None
        if secure:
            self.ssl = options.ssl or ssl.create_default_context()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        self.websocket_url = f"{'wss' if secure else 'ws'}://{host}{target}"
        self.headers = dict(options.headers)
        accept = "application/graphql-response+json, application/json;q=0.9"
        self._plain = self._constant_head(target, host, accept, options.encodings)
        stream = (
            "text/event-stream, multipart/mixed;subscriptionSpec=1.0;q=0.9, "
            "application/graphql-response+json;q=0.2, application/json;q=0.1"
        )
        # An encoder between would hold events back, so a stream is asked for as it is.
        self._stream = self._constant_head(target, host, stream, ())
        form = {"accept": accept, "apollo-require-preflight": "true"}
        self._form = f"POST {target} HTTP/1.1\r\nhost: {host}\r\n".encode("latin-1") + b"".join(
            f"{name}: {value}\r\n".encode("latin-1") for name, value in form.items()
        )

    def request(self, request: SubgraphRequest, *, stream: bool = False) -> bytes:
        """Return the whole HTTP/1.1 request."""
        body = request.json()
        head = self._stream if stream else self._plain
        if request.headers:
            head += _lines(request.headers)
        return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)

    def form_head(self, request: SubgraphRequest, form: Form) -> bytes:
        """Return the head of a request with files; the body is ``form.pieces()``.

        It is chunked where the form has no length.
        """
        own = _lines(self.headers) + _lines(request.headers)
        framed = (
            "transfer-encoding: chunked"
            if form.length is None
            else f"content-length: {form.length}"
        )
        kind = f"content-type: {form.content_type}\r\n{framed}\r\n\r\n"
        return self._form + own + kind.encode("latin-1")

    def _constant_head(
        self, target: str, host: str, accept: str, encodings: Sequence[str]
    ) -> bytes:
        lines = [
            f"POST {target} HTTP/1.1",
            f"host: {host}",
            "content-type: application/json",
            f"accept: {accept}",
        ]
        if encodings:
            lines.append(f"accept-encoding: {', '.join(encodings)}")
        head = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        return head + _lines(self.headers)


def _parts(url: str) -> SplitResult:
    """Take a subgraph's URL apart; raises SettingsInvalid."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not match
        known = False
    if not known:
        raise SettingsInvalid(
            f"'{url}' is no URL of a subgraph: write http://host:port/path or https://…."
        )
    return parts


def _lines(headers: Mapping[str, str]) -> bytes:
    """Write header lines; what HTTP does not allow, or the transport owns, is left out."""
    lines = []
    for name, value in headers.items():
        if name.lower() in _OWNED or not _NAME.match(name) or not _VALUE.match(value):
            continue
        try:
            lines.append(f"{name}: {value}\r\n".encode("latin-1"))
        except UnicodeEncodeError:
            continue
    return b"".join(lines)
