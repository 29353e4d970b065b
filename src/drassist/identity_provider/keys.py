"""The provider's signing key: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

from joserfc.jwk import KeySet, RSAKey

__all__ = ["load_signing_key", "public_jwks"]


def load_signing_key(path: Path) -> RSAKey:
    """Return the key at ``path``, made there on first use."""
    try:
        return RSAKey.import_key(path.read_text("utf-8"))
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    made = RSAKey.generate_key(2048, auto_kid=True, parameters={"use": "sig", "alg": "RS256"})
    # O_EXCL: of two processes that start together one makes the key and the other reads it.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return RSAKey.import_key(path.read_text("utf-8"))
    with os.fdopen(descriptor, "wb") as file:
        file.write(made.as_pem(private=True))
    return RSAKey.import_key(path.read_text("utf-8"))


def public_jwks(key: RSAKey) -> dict[str, object]:
    """Return the JWKS document (RFC 7517, section 5)."""
    public = key.as_dict(private=False)
    return {"keys": [{**public, "kid": key.thumbprint(), "use": "sig", "alg": "RS256"}]}


def key_set(key: RSAKey) -> KeySet:
    """Return the key as the set that verifiers expect."""
    return KeySet([key])
