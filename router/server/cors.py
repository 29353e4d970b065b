"""CORS and CSRF: which foreign pages may call, and which requests a page can forge.

The two are apart. CORS tells a browser whose script may read an answer; a *simple* request is
executed all the same, so one that a foreign form could send is refused before its body is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from router.server.asgi import Response
from router.server.refusals import Refused
from router.settings import CorsSettings, CsrfSettings

__all__ = ["cors_headers", "preflight", "refuse_forgeable"]

_SIMPLE_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
_SIMPLE_METHODS = ("GET", "HEAD", "POST")
_METHODS = "GET, POST, PUT, DELETE, OPTIONS"


def cors_headers(settings: CorsSettings, origin: str | None) -> tuple[tuple[str, str], ...]:
    """The headers that let the page at ``origin`` read the answer; none for other pages."""
    if not settings.origins or origin is None:
        return ()
    if "*" in settings.origins:
        allowed = "*"
    elif origin in settings.origins:
        allowed = origin
    else:
        return ()
    headers = [("access-control-allow-origin", allowed)]
    if settings.credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if settings.expose_headers:
        headers.append(("access-control-expose-headers", ", ".join(settings.expose_headers)))
    return tuple(headers)


def preflight(settings: CorsSettings, headers: Mapping[str, str]) -> Response:
    """Answer a preflight, beside :func:`cors_headers`; a foreign origin gets 403."""
    if not cors_headers(settings, headers.get("origin")):
        return Response(403, b"", None, (("vary", "Origin"),))
    return Response(
        204,
        b"",
        None,
        (
            ("access-control-allow-methods", _METHODS),
            ("access-control-allow-headers", ", ".join(settings.allow_headers)),
            ("access-control-max-age", str(settings.max_age)),
            ("vary", "Origin, Access-Control-Request-Headers"),
        ),
    )


@lru_cache(maxsize=64)
def _is_simple(content_type: str) -> bool:
    """Whether a browser sends this type to a foreign server without asking."""
    return content_type.partition(";")[0].strip().lower() in _SIMPLE_TYPES


def refuse_forgeable(settings: CsrfSettings, method: str, headers: Mapping[str, str]) -> None:
    """Refuse what a browser would send for a foreign page without asking first.

    A ``GET`` runs queries alone and its answer stays unreadable to foreign pages, so it is
    refused only where ambient credentials or the browser itself say that it matters.
    """
    if not settings.enabled or method not in _SIMPLE_METHODS:
        return
    content_type = headers.get("content-type")
    if content_type is not None and not _is_simple(content_type):
        return
    if any(headers.get(name) for name in settings.headers):
        return
    site = headers.get("sec-fetch-site")
    # a browser says where a request comes from; its own pages forge nothing
    if site in ("same-origin", "none"):
        return
    if method == "GET" and site is None and "cookie" not in headers:
        return
    raise Refused(
        "This request could be forged by a foreign web page: send 'content-type: application/json' "
        f"or a header {' or '.join(settings.headers)}.",
        403 if content_type is None or "multipart" in content_type else 415,
        "CSRF_PREVENTION_FAILED",
    )
