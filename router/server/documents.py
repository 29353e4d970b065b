"""Which document a request means: its text, or one it names by an id (persisted, automatic)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from router.errors import BadRequest, RequestError
from router.server.apq import ApqStore
from router.server.exchange import Exchange
from router.server.refusals import Refused

__all__ = ["find_text"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


async def find_text(exchange: Exchange, store: ApqStore, *, apq: bool) -> str | None:
    """Set ``exchange.text``; return the digest to register it under once it is valid, if any.

    ``store`` holds automatic persisted queries, ``apq`` says whether they are on. Raises the
    refusals of persisted operations; one with another message than ``PersistedQueryNotFound``
    where sending the text would be pointless.
    """
    request, contract = exchange.request, exchange.client.contract
    mode, persisted = contract.persisted.mode, exchange.client.persisted
    key = request.document_id
    if key is None:
        text = request.query or ""
        if mode == "required":
            known = persisted.find_text(text)
            if known is None:
                raise _refused("The operation is not on the safelist.", "QUERY_NOT_IN_SAFELIST")
            exchange.persisted, text = True, known.text
        exchange.text = text
        return None
    known = persisted.find(key, exchange.version) if len(persisted) else None
    if known is not None:
        if request.query is not None and not request.apq:
            raise BadRequest(
                "Send the id of a persisted operation or a text, not both.",
                code="CANNOT_SEND_PQ_ID_AND_BODY",
            )
        exchange.persisted, exchange.text = True, known.text
        return None
    if not request.apq or mode == "required":
        raise _refused(
            "There is no persisted operation with this id.", "PERSISTED_QUERY_NOT_IN_LIST"
        )
    if not apq:
        raise _miss("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
    if request.query is None:
        found = await store.get(key) if _SHA256.fullmatch(key) else None
        if found is None:
            raise _miss("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        exchange.text = found
        return None
    if hashlib.sha256(request.query.encode()).hexdigest() != key:
        raise BadRequest(
            "The sha256 does not match the query.", code="PERSISTED_QUERY_HASH_MISMATCH"
        )
    exchange.text = request.query
    return key


def _refused(message: str, code: str) -> RequestError:
    return BadRequest(message, code=code)


def _miss(message: str, code: str) -> Refused:
    """APQ misses are answered with 200: a 404 might be cached, and clients go by the message."""
    return Refused(
        message, 200, code, headers={"Cache-Control": "private, no-cache, must-revalidate"}
    )
