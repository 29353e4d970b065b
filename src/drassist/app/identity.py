"""Who may log in where: the development provider, and the keys that verify its tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from joserfc.jwk import KeySet
from starlette.applications import Starlette

from drassist.identity_provider import (
    DEVELOPMENT_USERS,
    DevelopmentUser,
    ServiceClient,
    create_identity_provider,
)
from drassist.identity_provider.keys import key_set, load_signing_key
from drassist.runtime.identity import (
    SERVICE_SCOPES,
    Authenticator,
    JwtAuthenticator,
    authenticator,
    scopes_of,
)
from drassist.runtime.settings import Settings
from drassist.testing.samples import CLAIMS
from router.settings import JwtIssuer, JwtSettings

__all__ = ["create_provider", "issuer_path", "local_authenticator", "router_issuers"]

KEY: Final = Path("var/identity.pem")
SERVICES: Final = ("notes", "orders")
"""The subgraphs that tell peers who a patient is."""


def create_provider(settings: Settings) -> Starlette:
    """The development identity provider; its users are people of the sample data, or of yours."""
    claims = {**CLAIMS, **settings.identity.development_claims}
    users: list[DevelopmentUser] = [
        replace(user, claims=dict(claims.get(user.username, {}))) for user in DEVELOPMENT_USERS
    ]
    secret = settings.identity.development_service_secret
    services = [
        ServiceClient(name, secret.get_secret_value(), SERVICE_SCOPES)
        for name in SERVICES
        if secret is not None
    ]
    return create_identity_provider(
        issuer=settings.identity.issuer,
        audience=settings.identity.audience,
        password=settings.identity.development_password.get_secret_value(),
        key_path=KEY,
        scopes_of=lambda user: scopes_of(user.role),
        users=users,
        services=services,
    )


def issuer_path(settings: Settings) -> str:
    """Where the provider is mounted: the path of its issuer."""
    return urlsplit(settings.identity.issuer).path or "/identity"


def local_authenticator(settings: Settings) -> Authenticator:
    """The authenticator of a process that also issues the tokens: it needs no fetch of keys."""
    if not settings.identity.development:
        return authenticator(settings.identity)
    keys = key_set(load_signing_key(KEY))

    async def source() -> KeySet:
        return keys

    return JwtAuthenticator(settings.identity, source)


def router_issuers(settings: Settings) -> JwtSettings:
    """The same issuer as the router's settings name it."""
    return JwtSettings(
        issuers=(
            JwtIssuer(
                issuer=settings.identity.issuer,
                audiences=(settings.identity.audience,),
                jwks_url=settings.identity.jwks_url,
                leeway=settings.identity.leeway,
            ),
        )
    )
