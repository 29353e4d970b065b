"""Whom something is for, as far as others may be told."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A patient as a peer gets to know her; ``id`` is ours.

    ``identifiers`` are (system, value), the first finds her in a system of the peer's own.
    ``birth_date`` is FHIR's partial date, ``gender`` its administrative gender.
    """

    id: str
    identifiers: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
