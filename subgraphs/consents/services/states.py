"""Which state may follow which: tables, read by everything that changes a state.

    request    requested -> granted -> revoked | expired
               requested -> denied | expired
    artefact   granted -> revoked | expired
    transfer   requested -> receiving -> completed
               requested | receiving -> failed | cancelled

States without successors never change again, whatever arrives and in whatever order.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ARTEFACT", "REQUEST", "TRANSFER", "allows"]

Table = Mapping[str, frozenset[str]]

REQUEST: Table = {
    "requested": frozenset({"granted", "denied", "expired"}),
    "granted": frozenset({"revoked", "expired"}),
    "denied": frozenset(),
    "revoked": frozenset(),
    "expired": frozenset(),
}

ARTEFACT: Table = {
    "granted": frozenset({"revoked", "expired"}),
    "revoked": frozenset(),
    "expired": frozenset(),
}

TRANSFER: Table = {
    "requested": frozenset({"receiving", "completed", "failed", "cancelled"}),
    "receiving": frozenset({"completed", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}


def allows(table: Table, present: str, following: str) -> bool:
    """Whether ``following`` may come after ``present``."""
    return following in table[present]
