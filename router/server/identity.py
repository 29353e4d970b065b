"""Who asks: the caller's identity as the rest of the server sees it.

An :class:`Authenticator` turns request headers into an :class:`Identity`, or refuses with 401.
The router brings :class:`router.server.jwt.JwtAuthenticator`; an application may pass its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from msgspec import Struct, field

__all__ = ["ANONYMOUS", "Anonymous", "Authenticator", "Identity", "KnowsIdentity"]


class Identity(Struct, frozen=True):
    """A caller; ``subject`` is None for an anonymous one.

    ``expires`` is the token's end in seconds since the epoch; ``issuer`` and ``subject`` together
    name a person, subjects of two issuers are two people.
    """

    subject: str | None = None
    issuer: str | None = None
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires: float | None = None

    @property
    def authenticated(self) -> bool:
        """Whether the caller proved who it is."""
        return self.subject is not None

    @property
    def key(self) -> str:
        """One text per person, for rate limits and stored answers."""
        return f"{self.issuer or ''}|{self.subject or ''}"

    def expired(self) -> bool:
        """Whether the token's life has ended since it was checked."""
        return self.expires is not None and time.time() >= self.expires


ANONYMOUS: Final = Identity()


class Authenticator(Protocol):
    """Finds the caller's identity in the headers of a request (lower-case names).

    Raises :class:`router.server.refusals.Refused` with 401 for credentials that are wrong; no
    credentials give :data:`ANONYMOUS` unless they are required.
    """

    async def __call__(self, headers: Mapping[str, str], /) -> Identity: ...


class KnowsIdentity(Protocol):
    """The caller's identity where it is known without waiting, else None: then ask and await.

    An :class:`Authenticator` may have it as its method ``known``. It refuses as that does.
    """

    def __call__(self, headers: Mapping[str, str]) -> Identity | None: ...


class Anonymous:
    """The authenticator of a router without issuers: everybody is anonymous."""

    async def __call__(self, headers: Mapping[str, str]) -> Identity:
        """Return :data:`ANONYMOUS` whatever the headers say."""
        return ANONYMOUS

    def known(self, headers: Mapping[str, str]) -> Identity:
        """Return the same at once."""
        return ANONYMOUS
