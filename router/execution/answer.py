"""What the executor hands out: response bytes, with their errors beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

__all__ = ["Answer", "Increment"]


class Answer(Struct, frozen=True):
    """One GraphQL response.

    ``body`` is the whole JSON object, ready to be sent; ``errors`` are its errors, so that nobody
    has to parse the body to count them.
    """

    body: bytes
    errors: tuple[dict[str, Any], ...] = ()

    @property
    def data(self) -> Any:
        """The ``data`` member, parsed anew at each access (for tests and tools)."""
        return orjson.loads(self.body)["data"]

    def with_extensions(self, extensions: Mapping[str, Any]) -> Answer:
        """Return the same response with an ``extensions`` member appended."""
        if not extensions:
            return self
        body = b'%b,"extensions":%b}' % (self.body[:-1], orjson.dumps(dict(extensions)))
        return Answer(body, self.errors)


class Increment(Struct, frozen=True):
    """One payload of an incremental response; exactly the last has ``has_next`` false."""

    body: bytes
    has_next: bool
    errors: tuple[dict[str, Any], ...] = ()
