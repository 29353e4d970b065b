"""What a consent gateway tells: notices, artefacts, pages of records.

Words are ABDM's: a request is answered by one artefact per facility, and the artefact, which the
patient may have narrowed, is what counts; records come in pages under a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Artefact", "Entry", "Notice", "Notices", "Pages"]


@dataclass(frozen=True, slots=True)
class Notice:
    """``status`` is GRANTED, DENIED, REVOKED or EXPIRED; artefacts are listed where some are."""

    request_id: str
    status: str
    artefacts: tuple[str, ...]
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Notices:
    """What was said since a cursor, oldest first, and the next cursor."""

    notices: tuple[Notice, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """A consent for one facility: what may be fetched, of when, and until when it may be kept."""

    id: str
    request_id: str
    facility_id: str
    facility: str
    abha_address: str
    purpose: str
    hi_types: tuple[str, ...]
    start: datetime
    end: datetime
    erase_at: datetime
    access_mode: str
    care_contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a page: the document as it was sent, or ``fault`` when it cannot be one."""

    page: int
    care_context: str
    hi_type: str | None
    title: str | None
    authored: datetime | None
    author: str | None
    sections: tuple[tuple[str, str], ...]
    document: Mapping[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """What has arrived of a transfer; ``expected`` is None until a first page says so."""

    expected: int | None
    entries: tuple[Entry, ...]
    failure: str | None = None

    @property
    def received(self) -> int:
        """How many distinct pages are here: senders count from 0 and from 1."""
        return len({entry.page for entry in self.entries})
