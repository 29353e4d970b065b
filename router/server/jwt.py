"""Identities from JSON Web Tokens (RFC 7519), one or several issuers.

A token's issuer claim picks the issuer's settings, those pick keys and algorithms; the token's own
header only names a key. Keys come from a file, a JWKS URL or OpenID discovery, are cached, and are
fetched again when a token names an unknown key, at most once in a while. While the issuer is
away the cached keys go on serving.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from router.errors import SettingsInvalid
from router.files import parse_json, read_text
from router.server.identity import ANONYMOUS, Identity
from router.server.refusals import Refused
from router.settings import JwtIssuer, JwtSettings

__all__ = ["JwtAuthenticator"]

_LOG: Final = logging.getLogger("router.jwt")
_PAUSE: Final = 10.0
"""Seconds between two fetches for an unknown key: a forged key id must not cause traffic."""
_LARGEST: Final = 1_048_576
_TRUSTED: Final = 300.0
"""Seconds after which a token is verified again: its key may have been withdrawn."""
_KNOWN: Final = 5_000
"""Verified tokens kept, so that a busy client's token is verified once, not per request."""
_UNKNOWN: Final = (None, 0.0)


class JwtAuthenticator:
    """Verifies bearer tokens; see :class:`router.settings.JwtSettings`.

    ``before`` is the one that this replaces: keys that it fetched serve on, those of files are
    read anew.
    """

    def __init__(self, settings: JwtSettings, before: JwtAuthenticator | None = None) -> None:
        self.settings = settings
        fetched = before.issuers if before is not None else {}
        self.issuers: dict[str, _Keys] = {}
        for issuer in settings.issuers:
            keys = fetched.get(issuer.issuer)
            if keys is None or keys.issuer != issuer or issuer.jwks_file is not None:
                keys = _Keys(issuer)
            self.issuers[issuer.issuer] = keys
        self._known: dict[str, tuple[Identity, float]] = {}

    async def __call__(self, headers: Mapping[str, str]) -> Identity:
        """The bearer's identity; raises 401 for a bad token, or none where one is required."""
        known = self.known(headers)
        if known is not None:
            return known
        token = self._token(headers[self.settings.header])
        identity = await self._verified(token)
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[token] = identity, time.monotonic() + _TRUSTED
        return identity

    def known(self, headers: Mapping[str, str]) -> Identity | None:
        """The identity where there is no token, or one verified lately; else None."""
        header = headers.get(self.settings.header)
        if header is None:
            if self.settings.required:
                raise _refused("Credentials are required.", "UNAUTHENTICATED")
            return ANONYMOUS
        identity, until = self._known.get(self._token(header), _UNKNOWN)
        if identity is None or until <= time.monotonic() or identity.expired():
            return None
        return identity

    def _token(self, header: str) -> str:
        prefix = self.settings.prefix
        if not prefix:
            return header.strip()
        scheme, _, token = header.strip().partition(" ")
        if scheme.lower() != prefix.lower() or not token:
            raise _refused(f"The {self.settings.header} header must hold '{prefix} <token>'.")
        return token.strip()

    async def _verified(self, token: str) -> Identity:
        header, payload = _segment(token, 0), _segment(token, 1)
        keys = self.issuers.get(str(payload.get("iss")))
        if keys is None:
            raise _refused("The token's issuer is not trusted.")
        issuer = keys.issuer
        if header.get("alg") not in issuer.algorithms:
            raise _refused("The token's algorithm is not accepted.")
        claims = await keys.decode(token, header.get("kid"))
        _check_claims(claims, issuer)
        expires = claims.get("exp")
        return Identity(
            subject=str(claims["sub"]),
            issuer=issuer.issuer,
            scopes=_words(claims, self.settings.scope_claims),
            roles=_words(claims, self.settings.role_claims),
            claims=claims,
            expires=float(expires) + issuer.leeway if expires is not None else None,
        )


class _Keys:
    """One issuer's key set and when it was read."""

    def __init__(self, issuer: JwtIssuer) -> None:
        self.issuer = issuer
        # a file that cannot be used is told at the start
        self._set = _of_file(issuer.jwks_file) if issuer.jwks_file is not None else None
        self._read_at = time.monotonic()
        self._tried_at = -_PAUSE
        self._reading = asyncio.Lock()

    async def decode(self, token: str, key_id: object) -> Mapping[str, Any]:
        """The token's claims, its signature verified."""
        keys = await self._keys(key_id)
        try:
            claims = jwt.decode(token, keys, algorithms=list(self.issuer.algorithms)).claims
        except (JoseError, ValueError) as error:
            raise _refused("The token's signature is not valid.") from error
        return claims

    async def _keys(self, key_id: object) -> KeySet:
        async with self._reading:
            now = time.monotonic()
            stale = self._set is None or now - self._read_at > self.issuer.refresh
            unknown = (
                self._set is not None
                and key_id is not None
                and all(key.kid != key_id for key in self._set.keys)
            )
            if (stale or unknown) and now - self._tried_at >= _PAUSE:
                self._tried_at = now
                await self._read()
            elif self._set is None:
                await self._read()
        if self._set is None:
            raise Refused(
                "The issuer's keys cannot be read; try again.",
                503,
                "ISSUER_AWAY",
                headers={"Retry-After": "5"},
            )
        return self._set

    async def _read(self) -> None:
        try:
            self._set = await asyncio.to_thread(_key_set, self.issuer)
            self._read_at = time.monotonic()
        except (OSError, ValueError, SettingsInvalid) as error:
            _LOG.warning("keys of %s cannot be read: %s", self.issuer.issuer, type(error).__name__)


def _key_set(issuer: JwtIssuer) -> KeySet:
    """Read the issuer's keys; runs in a thread."""
    if issuer.jwks_file is not None:
        return _of_file(issuer.jwks_file)
    url = issuer.jwks_url
    if url is None:
        base = issuer.issuer.rstrip("/")
        found = _get(f"{base}/.well-known/openid-configuration")
        # discovery must speak for the issuer it was asked about (OpenID Discovery, 4.3)
        if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != base:
            raise ValueError("the discovery document names another issuer")
        url = str(found.get("jwks_uri"))
    return _imported(_get(url))


def _of_file(file: Path) -> KeySet:
    mend = "give the issuer's JSON Web Key Set"
    document = parse_json(read_text(file, mend), str(file), mend)
    try:
        return _imported(document)
    except ValueError as error:
        raise SettingsInvalid(f"{file}: {error}; {mend}.") from error


def _imported(document: Any) -> KeySet:
    try:
        return KeySet.import_key_set(document)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError("this is no set of keys") from error


def _get(url: str) -> Any:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url!r} is no http URL")
    request = Request(url, headers={"accept": "application/json"})  # noqa: S310  # checked above
    with urlopen(request, timeout=5) as answer:  # noqa: S310  # the scheme is checked above
        return orjson.loads(answer.read(_LARGEST))


def _check_claims(claims: Mapping[str, Any], issuer: JwtIssuer) -> None:
    now = time.time()
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _refused(f"The token's {name} is malformed.")
    if claims.get("exp") is None:
        raise _refused("The token has no end (exp).")
    if now > claims["exp"] + issuer.leeway:
        raise _refused("The token has expired.", "UNAUTHENTICATED")
    if claims.get("nbf") is not None and now < claims["nbf"] - issuer.leeway:
        raise _refused("The token is not valid yet.")
    if not isinstance(claims.get("sub"), str):
        raise _refused("The token names nobody (sub).")
    if issuer.audiences:
        given = claims.get("aud")
        audiences = given if isinstance(given, list) else [given]
        if not set(issuer.audiences) & {str(audience) for audience in audiences}:
            raise _refused("The token is for another audience.")


def _segment(token: str, index: int) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 16_384:
        raise _refused("The token is malformed.")
    part = parts[index]
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _refused("The token is malformed.") from error
    if not isinstance(decoded, dict):
        raise _refused("The token is malformed.")
    return decoded


def _words(claims: Mapping[str, Any], names: Sequence[str]) -> frozenset[str]:
    words: set[str] = set()
    for name in names:
        value = claims.get(name)
        if isinstance(value, str):
            words.update(value.split())
        elif isinstance(value, list):
            words.update(str(item) for item in value)
    return frozenset(words)


def _refused(message: str, code: str = "INVALID_TOKEN") -> Refused:
    return Refused(
        message,
        401,
        code,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
