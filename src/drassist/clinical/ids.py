"""Ids of what came from elsewhere: the same source gives the same id, in every subgraph.

So an encounter can point at its patient before, after or without that patient being imported, and
importing twice changes what is there instead of doubling it.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

__all__ = ["EHR", "imported_id"]

EHR: Final = "ehr"
"""The hospital's own record system: the origin that imports have unless they say otherwise."""

_NAMESPACE: Final = UUID("3f1c7c52-4a53-5c0e-9c53-1f6a3c1f8f11")


def imported_id(kind: str, source_id: str, origin: str = EHR) -> str:
    """Our id for resource ``kind/source_id`` of ``origin``: ``Patient:…``, always the same."""
    return f"{kind}:{uuid5(_NAMESPACE, f'{origin}|{kind}/{source_id}')}"
