"""From the outbox to the gateway; a gateway that is away delays a request and loses none."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from drassist.adapters.errors import AdapterError
from drassist.events import Destination, Event, Undeliverable
from drassist.runtime.database import Database, now
from subgraphs.consents.models import (
    ConsentArtefact,
    ConsentRequest,
    Transfer,
    outbox,
)
from subgraphs.consents.ports import ConsentGateway, OutgoingConsent
from subgraphs.consents.services.asking import GATEWAY, request_event, transfer_event

__all__ = ["Deliveries"]


class Deliveries:
    """The gateway as a destination of the outbox."""

    def __init__(self, database: Database, gateway: ConsentGateway) -> None:
        self._database = database
        self._gateway = gateway

    def destinations(self) -> Mapping[str, Destination]:
        return {GATEWAY: self.deliver}

    async def deliver(self, event: Event) -> None:
        try:
            if event.topic.startswith("consents.transfer."):
                await self._fetch(event.subject)
            else:
                await self._ask(event.subject)
        except AdapterError as error:
            if error.retryable:
                raise
            await self._give_up(event, f"{error.code}: {error.message}")
            raise Undeliverable(f"{error.code}: {error.message}") from None

    async def _ask(self, id: str) -> None:
        async with self._database.session() as session:
            request = await session.get(ConsentRequest, id)
        if request is None:
            raise Undeliverable("the request does not exist")
        if request.sent_at is not None or request.status != "requested":
            return
        outgoing = OutgoingConsent(
            reference=request.id,
            abha_address=request.abha_address,
            purpose=request.purpose,
            hi_types=tuple(request.hi_types),
            start=request.start,
            end=request.end,
            erase_at=request.erase_at,
            requester=request.requester_name or "A doctor",
            requester_number=None,
        )
        gateway_id = await self._gateway.request(outgoing)
        await self._named(id, gateway_id)

    async def _named(self, id: str, gateway_id: str) -> None:
        """Note the gateway's name; the next sweep applies what it said before we knew it."""
        async with self._database.transaction() as session:
            await session.execute(
                sa.update(ConsentRequest)
                .where(ConsentRequest.id == id)  # type: ignore[arg-type]
                .values(gateway_id=gateway_id, sent_at=now())
            )

    async def _fetch(self, id: str) -> None:
        async with self._database.session() as session:
            transfer = await session.get(Transfer, id)
            if transfer is None:
                raise Undeliverable("the transfer does not exist")
            artefact = await session.get(ConsentArtefact, transfer.artefact_id)
        assert artefact is not None  # written before its transfers
        if transfer.transaction_id is not None or transfer.status != "requested":
            return
        transaction = await self._gateway.ask(
            artefact.gateway_id, artefact.start, artefact.end, transfer.id
        )
        async with self._database.transaction() as session:
            await session.execute(
                sa.update(Transfer)
                .where(Transfer.id == id)  # type: ignore[arg-type]
                .values(transaction_id=transaction)
            )

    async def _give_up(self, event: Event, reason: str) -> None:
        """Say so where people look: a refused transfer has failed, a refused request says why."""
        async with self._database.transaction() as session:
            if transfer := await session.get(Transfer, event.subject):
                transfer.status, transfer.failure = "failed", reason[:400]
                transfer.version += 1
                transfer.updated_at = now()
                session.add(transfer)
                await outbox.add(session, transfer_event("consents.transfer.failed", transfer))
            if request := await session.get(ConsentRequest, event.subject):
                request.reason = reason
                request.version += 1
                request.updated_at = now()
                session.add(request)
                await outbox.add(session, request_event("consents.request.refused", request))
