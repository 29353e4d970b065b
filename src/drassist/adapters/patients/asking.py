"""The patients subgraph over HTTP, asked by a service in its own name.

A service has no user to act for when the outbox delivers. It shows a token of its own, got by the
client-credentials grant (RFC 6749, section 4.4), whose scopes let it learn who a patient is and
nothing else. Whatever keeps it from an answer, a wrong secret too, delays a delivery: an order does
not end because of a mistake in the settings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from drassist.adapters.errors import PeerUnavailable

__all__ = ["PatientsOverHttp", "ServiceTokens"]

_EARLY_S: Final = 30.0
_SHORTEST_S: Final = 1.0


class ServiceTokens:
    """Access tokens of one service: fetched when needed, kept until shortly before they expire.

    ``scope`` is what is asked for, in OAuth's words (space separated).
    """

    def __init__(
        self, url: str, client_id: str, secret: str, *, scope: str, timeout: float = 10.0
    ) -> None:
        self._url = url
        self._login = {"authorization": aiohttp.encode_basic_auth(client_id, secret)}
        self._form = {"grant_type": "client_credentials", "scope": scope}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._token: str | None = None
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """Return a token; raises PeerUnavailable while the provider is away, or says no."""
        async with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._token, lives = await self._fetch()
                self._good_until = time.monotonic() + max(_SHORTEST_S, lives - _EARLY_S)
            return self._token

    def forget(self, token: str) -> None:
        """The token was refused: get another the next time."""
        if self._token == token:
            self._token = None

    async def _fetch(self) -> tuple[str, float]:
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=self._login) as http,
                http.post(self._url, data=self._form) as answer,
            ):
                if answer.status >= 500:
                    raise PeerUnavailable(f"the identity provider answers {answer.status}")
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise PeerUnavailable("the identity provider does not answer") from None
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str):
            raise PeerUnavailable(f"the identity provider gives no token: {answer.status}")
        return token, float(body.get("expires_in") or 60)


class PatientsOverHttp:
    """Executes operations at ``url``; fits :data:`drassist.adapters.patients.Execute`."""

    def __init__(self, url: str, tokens: ServiceTokens, *, timeout: float = 10.0) -> None:
        self._url = url
        self._tokens = tokens
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def __call__(self, operation: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the GraphQL response; raises PeerUnavailable."""
        token = await self._tokens()
        headers = {"authorization": f"Bearer {token}"}
        body = {"query": operation, "variables": dict(variables)}
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, headers=headers) as http,
                http.post(self._url, json=body) as answer,
            ):
                if answer.status == 401:
                    self._tokens.forget(token)
                if answer.status != 200:
                    raise PeerUnavailable(f"the patients subgraph answers {answer.status}")
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise PeerUnavailable("the patients subgraph does not answer") from None
        if not isinstance(found, dict):
            raise PeerUnavailable("the patients subgraph answers something else")
        return found
