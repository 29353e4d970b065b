"""Signing in as a browser does: authorization code with PKCE, against the provider found by
discovery."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlsplit

import aiohttp

__all__ = ["SignInFailed", "sign_in"]


class SignInFailed(Exception):
    """The provider did not hand out a token."""


async def sign_in(http: aiohttp.ClientSession, issuer: str, username: str, password: str) -> str:
    """Return an access token of ``username``."""
    async with http.get(f"{issuer}/.well-known/openid-configuration") as answer:
        provider = await answer.json()
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    request = {
        "response_type": "code",
        "client_id": "demo",
        "redirect_uri": "http://127.0.0.1/demo",
        "scope": "openid",
        "state": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    login = {"username": username, "password": password}
    async with http.post(
        provider["authorization_endpoint"], params=request, data=login, allow_redirects=False
    ) as answer:
        if answer.status != 302:
            raise SignInFailed(f"{username} could not sign in: is the password right?")
        query = parse_qs(urlsplit(answer.headers["location"]).query)
    exchange = {
        "grant_type": "authorization_code",
        "client_id": "demo",
        "redirect_uri": request["redirect_uri"],
        "code": query["code"][0],
        "code_verifier": verifier,
    }
    async with http.post(provider["token_endpoint"], data=exchange) as answer:
        tokens = await answer.json()
    if "access_token" not in tokens:
        raise SignInFailed(f"{username} got no token: {tokens.get('error')}")
    return str(tokens["access_token"])
