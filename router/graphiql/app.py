"""The page as an ASGI app: static files of the build and one configuration document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

__all__ = ["BUILD", "ClientEntry", "GraphiQLConfig", "Operation", "SignIn", "create_graphiql"]

BUILD: Final = Path(__file__).parent / "dist"
"""Where ``npm run build`` puts the page; ignored by git."""

_NOT_BUILT = (
    "<!doctype html><title>GraphiQL is not built</title>"
    "<h1>GraphiQL is not built</h1><p>Run <code>make graphiql</code>, then reload.</p>"
)
# Monaco's workers come from blob URLs and its styles are inline; everything else is our own.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:; "
    "connect-src 'self' ws: wss: {issuer}; frame-ancestors 'none'; base-uri 'none'"
)


class Operation(Struct, frozen=True):
    """A saved operation of a client, as the picker shows it."""

    id: str
    name: str
    body: str


class ClientEntry(Struct, frozen=True):
    """One client contract: where its endpoint is (relative to the page) and what it saved.

    ``introspects`` is False where the client may not ask for its schema: the page does not either.
    """

    name: str
    label: str
    url: str
    operations: tuple[Operation, ...] = ()
    welcome: str | None = None
    introspects: bool = True


class SignIn(Struct, frozen=True):
    """How people sign in to the page: at an OpenID provider, as a public client with PKCE."""

    issuer: str
    clientId: str = "graphiql"
    scope: str = "openid profile"


class GraphiQLConfig(Struct, frozen=True):
    """What the page may know. ``welcome`` is the first query of a new tab."""

    clients: tuple[ClientEntry, ...]
    title: str = "GraphiQL"
    welcome: str = "{\n  __typename\n}\n"
    identity: SignIn | None = None


def create_graphiql(
    config: GraphiQLConfig | Callable[[], GraphiQLConfig], *, build: Path = BUILD
) -> Starlette:
    """Return the page; ``config`` may be a function, asked at each load (hot reload)."""
    current = config if callable(config) else lambda: config

    async def page(request: Request) -> Response:
        if not request.scope["path"].endswith("/"):
            # Its URLs are relative, so the page must live at a folder.
            return RedirectResponse(request.url.replace(path=request.scope["path"] + "/"))
        try:
            html = (build / "index.html").read_text("utf-8")
        except FileNotFoundError:
            return HTMLResponse(_NOT_BUILT, status_code=503)
        identity = current().identity
        policy = _POLICY.format(issuer=identity.issuer if identity else "")
        return HTMLResponse(
            html,
            headers={
                "Content-Security-Policy": policy,
                "Cache-Control": "no-cache",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def configuration(request: Request) -> Response:
        return Response(
            msgspec.json.encode(current()),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    assets = StaticFiles(directory=build / "assets", check_dir=False)
    return Starlette(
        routes=[
            Route("/", page),
            Route("/config.json", configuration),
            Mount("/assets", assets),
        ]
    )
