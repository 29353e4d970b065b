"""What consents need of the world: a gateway that asks patients and carries records.

Whatever fits by shape will do: ``drassist.testing.abdm`` plays it, the adapter for the real ABDM
network fits the same protocol. It raises ``drassist.adapters.errors``: ``retryable`` errors delay
a delivery, others end it with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

__all__ = [
    "ConsentGateway",
    "IncomingArtefact",
    "IncomingEntry",
    "IncomingNotice",
    "IncomingNotices",
    "IncomingPages",
    "OutgoingConsent",
]


@dataclass(frozen=True, slots=True)
class OutgoingConsent:
    """A request to a patient; ``reference`` is ours and makes the call repeatable."""

    reference: str
    abha_address: str
    purpose: str
    hi_types: tuple[str, ...]
    start: datetime
    end: datetime
    erase_at: datetime
    requester: str
    requester_number: str | None


class IncomingNotice(Protocol):
    """``status`` is GRANTED, DENIED, REVOKED or EXPIRED."""

    @property
    def request_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def artefacts(self) -> Sequence[str]: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...


class IncomingNotices(Protocol):
    """What was said since a cursor, oldest first, and the next cursor."""

    @property
    def notices(self) -> Sequence[IncomingNotice]: ...
    @property
    def cursor(self) -> str: ...


class IncomingArtefact(Protocol):
    """A consent for one facility; the patient may have narrowed what was asked."""

    @property
    def id(self) -> str: ...
    @property
    def facility_id(self) -> str: ...
    @property
    def facility(self) -> str: ...
    @property
    def abha_address(self) -> str: ...
    @property
    def hi_types(self) -> Sequence[str]: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def erase_at(self) -> datetime: ...
    @property
    def access_mode(self) -> str: ...
    @property
    def care_contexts(self) -> Sequence[str]: ...


class IncomingEntry(Protocol):
    """One record: its document as it was sent, or ``fault`` when it cannot be one."""

    @property
    def page(self) -> int: ...
    @property
    def care_context(self) -> str: ...
    @property
    def hi_type(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def authored(self) -> datetime | None: ...
    @property
    def author(self) -> str | None: ...
    @property
    def sections(self) -> Sequence[tuple[str, str]]: ...
    @property
    def document(self) -> Mapping[str, Any]: ...
    @property
    def fault(self) -> str | None: ...


class IncomingPages(Protocol):
    """What has arrived of a transfer; complete when as many pages are here as were announced."""

    @property
    def expected(self) -> int | None: ...
    @property
    def received(self) -> int: ...
    @property
    def entries(self) -> Sequence[IncomingEntry]: ...
    @property
    def failure(self) -> str | None: ...


class ConsentGateway(Protocol):
    """The consent manager and the facilities behind it."""

    async def request(self, consent: OutgoingConsent) -> str:
        """Ask the patient; returns the gateway's id, the same for the same reference."""

    async def notices(self, cursor: str | None) -> IncomingNotices:
        """Return what patients and clocks decided since the cursor."""

    async def artefact(self, id: str) -> IncomingArtefact:
        """Return a consent artefact that was granted to us."""

    async def ask(self, artefact_id: str, start: datetime, end: datetime, reference: str) -> str:
        """Ask a facility for its records; returns the transaction, the same for a reference."""

    async def pages(self, transaction_id: str) -> IncomingPages:
        """Return what has arrived so far."""

    async def confirm(self, transaction_id: str, complete: bool) -> None:
        """Tell the gateway whether the records arrived."""
