"""OAuth 2 as authlib has it, over small in-memory stores.

Codes live a minute, refresh tokens rotate: reuse of an old one revokes its family
(OAuth 2.0 Security BCP, section 4.14).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response

from drassist.identity_provider.keys import key_set
from drassist.identity_provider.loopback import is_loopback
from drassist.identity_provider.users import DevelopmentUser, ServiceClient

__all__ = ["DevelopmentAuthorizationServer", "FormRequest", "PublicClient"]

CODE_LIFETIME_S = 60
ACCESS_TOKEN_LIFETIME_S = 3600
MAX_STORED = 10_000


@dataclass(frozen=True, slots=True)
class PublicClient:
    """A front end: public, PKCE only (RFC 6749, section 2.1).

    Any loopback redirect is allowed, whatever its port (RFC 8252, section 7.3).
    """

    client_id: str

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_loopback(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {"authorization_code", "refresh_token"}


@dataclass(slots=True)
class Code:
    """An authorization code that was handed out and not yet used."""

    code: str
    client_id: str
    redirect_uri: str | None
    scope: str
    nonce: str | None
    challenge: str
    user: DevelopmentUser
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str]:
        return ["pwd"]


@dataclass(slots=True)
class RefreshToken:
    """A refresh token and the family that it descends from."""

    token: str
    client_id: str
    scope: str
    user: DevelopmentUser
    family: str
    used: bool = False

    def check_client(self, client: PublicClient) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope


class FormRequest(OAuth2Request):  # type: ignore[misc]  # authlib ships no types
    """An HTTP request as authlib wants it: everything read before, nothing awaited."""

    def __init__(self, method: str, uri: str, fields: dict[str, str], headers: Any) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload(fields)
        self._fields = fields

    @property
    def args(self) -> dict[str, str]:
        return self._fields

    @property
    def form(self) -> dict[str, str]:
        return self._fields


class DevelopmentAuthorizationServer(AuthorizationServer):  # type: ignore[misc]  # no types
    """authlib's server over in-memory stores and Starlette responses."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        key: RSAKey,
        scopes_of: Callable[[DevelopmentUser], str],
        services: Iterable[ServiceClient] = (),
    ) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.scopes_of = scopes_of
        self._services = {service.client_id: service for service in services}
        generator = _AccessTokens(issuer, audience, key)
        self.register_token_generator("default", generator)
        self.register_grant(_CodeGrant, [CodeChallenge(required=True), _IdToken(issuer, key)])
        self.register_grant(_RefreshGrant)
        self.register_grant(_ServiceGrant)

    def query_client(self, client_id: str) -> PublicClient | ServiceClient:
        return self._services.get(client_id) or PublicClient(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        if "refresh_token" not in token:
            return
        previous: RefreshToken | None = request.refresh_token
        family = previous.family if previous else secrets.token_urlsafe(8)
        _bound(self.refresh_tokens)
        self.refresh_tokens[token["refresh_token"]] = RefreshToken(
            token["refresh_token"],
            request.client.client_id,
            token["scope"],
            request.user,
            family,
        )

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """No listeners here."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        fields = dict(headers)
        if 300 <= status < 400:
            return RedirectResponse(fields["Location"], status_code=status)
        return JSONResponse(body or {}, status_code=status, headers={"Cache-Control": "no-store"})


class _AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]  # no types
    """JWT access tokens for the graph, with the user's role as a claim."""

    def __init__(self, issuer: str, audience: str, key: RSAKey) -> None:
        super().__init__(
            issuer,
            refresh_token_generator=lambda *_args, **_kwargs: secrets.token_urlsafe(32),
            expires_generator=lambda *_args: ACCESS_TOKEN_LIFETIME_S,
        )
        self._key = key
        self._audience = audience

    def get_jwks(self) -> Any:
        return key_set(self._key)  # of a set, the encoder names the key it took

    def get_audiences(self, client: Any, user: Any, scope: Any) -> str:
        return self._audience

    def get_extra_claims(
        self, client: Any, grant_type: str, user: DevelopmentUser | None, scope: str
    ) -> dict[str, Any]:
        if user is None:  # a service in its own name
            return {"name": client.get_client_id(), "roles": ["system"]}
        return {"name": user.name, "roles": [user.role], **user.claims}


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # no types
    """Authorization code; PKCE with S256 is demanded of every client."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]

    server: DevelopmentAuthorizationServer

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        fields = self.request.payload.data
        if not fields.get("code_challenge"):
            raise InvalidRequestError(
                "Missing 'code_challenge': PKCE is required.", redirect_uri=redirect_uri
            )
        if fields.get("code_challenge_method") != "S256":
            raise InvalidRequestError(
                "'code_challenge_method' must be S256.", redirect_uri=redirect_uri
            )
        return redirect_uri

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        fields = request.payload.data
        _bound(self.server.codes)
        self.server.codes[code] = Code(
            code,
            request.client.client_id,
            request.payload.redirect_uri,
            self.server.scopes_of(request.user),
            fields.get("nonce"),
            fields["code_challenge"],
            request.user,
        )

    def query_authorization_code(self, code: str, client: PublicClient) -> Any:
        found = self.server.codes.get(code)
        if found is None or found.client_id != client.client_id:
            return None
        if time.time() - found.auth_time > CODE_LIFETIME_S:
            return None
        return _CodeWithChallenge(found)

    def delete_authorization_code(self, authorization_code: Any) -> None:
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Any) -> DevelopmentUser:
        user: DevelopmentUser = authorization_code.user
        return user


class _CodeWithChallenge:
    """A code under the attribute names that authlib's PKCE extension reads."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self.code_challenge = code.challenge
        self.code_challenge_method = "S256"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._code, name)


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # no types
    """Refresh with rotation; an old token used again ends its whole family."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    server: DevelopmentAuthorizationServer

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        found = self.server.refresh_tokens.get(refresh_token)
        if found is None:
            return None
        if found.used:
            tokens = self.server.refresh_tokens
            for token in [t for t, kept in tokens.items() if kept.family == found.family]:
                del tokens[token]
            return None
        return found

    def authenticate_user(self, credential: RefreshToken) -> DevelopmentUser:
        return credential.user

    def revoke_old_credential(self, credential: RefreshToken) -> None:
        credential.used = True


class _ServiceGrant(ClientCredentialsGrant):  # type: ignore[misc]  # no types
    """Client credentials (RFC 6749, section 4.4): for our own services only."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]


class _IdToken(OpenIDCode):  # type: ignore[misc]  # no types
    """The id_token of OpenID Connect Core, section 2."""

    def __init__(self, issuer: str, key: RSAKey) -> None:
        super().__init__(require_nonce=False)
        self._issuer = issuer
        self._key = key

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        return False

    def resolve_client_private_key(self, client: PublicClient) -> Any:
        return key_set(self._key)

    def get_client_algorithm(self, client: PublicClient) -> str:
        return "RS256"

    def get_client_claims(self, client: PublicClient) -> dict[str, Any]:
        return {
            "iss": self._issuer,
            "aud": [client.client_id],
            "exp": int(time.time()) + ACCESS_TOKEN_LIFETIME_S,
            "iat": int(time.time()),
        }

    def generate_user_info(self, user: DevelopmentUser, scope: str) -> dict[str, Any]:
        return {"sub": user.username, "name": user.name, "roles": [user.role], **user.claims}


def _bound(store: dict[str, Any]) -> None:
    """Forget the oldest entries: a development server must not grow without end."""
    while len(store) >= MAX_STORED:
        del store[next(iter(store))]
