"""The provider as a Starlette app: discovery, authorize, token, jwks, userinfo, end of session."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from authlib.oauth2 import OAuth2Error
from joserfc import jwt
from joserfc.errors import JoseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from drassist.identity_provider.grants import DevelopmentAuthorizationServer, FormRequest
from drassist.identity_provider.keys import key_set, load_signing_key, public_jwks
from drassist.identity_provider.loopback import is_loopback
from drassist.identity_provider.pages import login_page, refusal_page
from drassist.identity_provider.users import DEVELOPMENT_USERS, DevelopmentUser, ServiceClient

__all__ = ["create_identity_provider"]

MAX_FORM_BYTES = 16_384
CORS = {"Access-Control-Allow-Origin": "*"}


def create_identity_provider(
    *,
    issuer: str,
    audience: str,
    password: str,
    key_path: Path,
    scopes_of: Callable[[DevelopmentUser], Iterable[str]],
    users: Iterable[DevelopmentUser] = DEVELOPMENT_USERS,
    services: Iterable[ServiceClient] = (),
) -> Starlette:
    """Return the provider, to be mounted at the path of ``issuer``.

    ``scopes_of`` decides what each user may do; ``openid``, ``profile`` and ``offline_access``
    are added. ``services`` get tokens by client credentials. Raises ValueError when ``issuer`` is not a loopback URL.
    """
    if not is_loopback(issuer):
        message = (
            f"The development identity provider serves loopback addresses only, not {issuer}: "
            "set identity.issuer to your own provider."
        )
        raise ValueError(message)
    provider = _Provider(issuer, audience, password, key_path, scopes_of, tuple(users), services)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/jwks.json", provider.jwks),
            Route("/authorize", provider.authorize, methods=["GET", "POST"]),
            Route("/token", provider.token, methods=["POST", "OPTIONS"]),
            Route("/userinfo", provider.userinfo),
            Route("/logout", provider.logout),
        ]
    )


class _Provider:
    def __init__(
        self,
        issuer: str,
        audience: str,
        password: str,
        key_path: Path,
        scopes_of: Callable[[DevelopmentUser], Iterable[str]],
        users: tuple[DevelopmentUser, ...],
        services: Iterable[ServiceClient],
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._password = password
        self._users = {user.username: user for user in users}
        self._key = load_signing_key(key_path)
        self._server = DevelopmentAuthorizationServer(
            issuer=issuer,
            audience=audience,
            key=self._key,
            scopes_of=lambda user: " ".join(
                ["openid", "profile", "offline_access", *sorted(scopes_of(user))]
            ),
            services=services,
        )

    async def discovery(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0, section 3."""
        at = partial("{}{}".format, self._issuer)
        return JSONResponse(
            {
                "issuer": self._issuer,
                "authorization_endpoint": at("/authorize"),
                "token_endpoint": at("/token"),
                "jwks_uri": at("/jwks.json"),
                "userinfo_endpoint": at("/userinfo"),
                "end_session_endpoint": at("/logout"),
                "response_types_supported": ["code"],
                "grant_types_supported": [
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                ],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "offline_access"],
            },
            headers=CORS,
        )

    async def jwks(self, request: Request) -> Response:
        return JSONResponse(public_jwks(self._key), headers=CORS)

    async def authorize(self, request: Request) -> Response:
        """Show who can log in (GET), then hand out a code (POST)."""
        fields = dict(request.query_params)
        oauth = FormRequest("GET", _secure(request), fields, request.headers)
        try:
            grant = self._server.get_consent_grant(oauth)
        except OAuth2Error as error:
            return HTMLResponse(
                refusal_page(error.error, error.get_error_description()), status_code=400
            )
        if request.method == "GET":
            return HTMLResponse(login_page(fields, self._users.values()))
        form = await _form(request)
        user = self._users.get(form.get("username", ""))
        right = hmac.compare_digest(form.get("password", "").encode(), self._password.encode())
        if user is None or not right:
            page = login_page(fields, self._users.values(), wrong=True)
            return HTMLResponse(page, status_code=401)
        response: Response = self._server.create_authorization_response(
            oauth, grant_user=user, grant=grant
        )
        return response

    async def token(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            allow = {**CORS, "Access-Control-Allow-Headers": "Content-Type"}
            return Response(status_code=204, headers=allow)
        form = await _form(request)
        oauth = FormRequest("POST", _secure(request), form, request.headers)
        response: Response = self._server.create_token_response(oauth)
        response.headers.update(CORS)
        return response

    async def userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise ValueError(scheme)
            claims = jwt.decode(token, key_set(self._key), algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return JSONResponse({"error": "invalid_token"}, status_code=401, headers=CORS)
        if claims.get("exp", 0) < time.time():
            return JSONResponse({"error": "invalid_token"}, status_code=401, headers=CORS)
        kept = {name: claims[name] for name in ("sub", "name", "roles") if name in claims}
        return JSONResponse(kept, headers=CORS)

    async def logout(self, request: Request) -> Response:
        """RP-initiated logout: there is no session here, so only the way back is left."""
        back = request.query_params.get("post_logout_redirect_uri", "")
        if self._server.query_client("").check_redirect_uri(back):
            state = request.query_params.get("state")
            return RedirectResponse(back + (f"?{urlencode({'state': state})}" if state else ""))
        return HTMLResponse(refusal_page("signed_out", "You are signed out."))


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _secure(request: Request) -> str:
    """The URL as authlib accepts it: it knows no loopback exception for plain HTTP."""
    return str(request.url.replace(scheme="https"))
