"""What the gateway says, what facilities send, and what the clock ends.

Everything that follows from a consent follows from its artefact, which the patient may have
narrowed: a record of another kind, of another visit, or of another person is refused and counted.
When an artefact ends, its documents are erased in the same transaction. A notice that comes
before we know the request by the gateway's name is kept until we do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from drassist.events import Event
from drassist.fhir import codec
from drassist.runtime.database import Database, now
from drassist.runtime.logs import get_logger
from subgraphs.consents.models import (
    ConsentArtefact,
    ConsentRequest,
    Cursor,
    EarlyNotice,
    ExternalRecord,
    StateChange,
    Transfer,
    outbox,
)
from subgraphs.consents.ports import ConsentGateway, IncomingArtefact, IncomingEntry, IncomingPages
from subgraphs.consents.services.asking import begin_transfer, request_event, transfer_event
from subgraphs.consents.services.states import ARTEFACT, REQUEST, allows

__all__ = ["apply_notice", "expire", "sweep_notices", "sweep_transfers"]

log = get_logger(__name__)

_PEER = "gateway"


# Notices.


async def sweep_notices(database: Database, gateway: ConsentGateway) -> int:
    """Read what was decided; returns how many notices there were."""
    await _apply_early(database, gateway)
    async with database.session() as session:
        held = await session.get(Cursor, _PEER)
    said = await gateway.notices(held.position if held else None)
    for notice in said.notices:
        await apply_notice(
            database,
            gateway,
            notice.request_id,
            notice.status,
            notice.artefacts,
            notice.reason,
            notice.at,
        )
    if held is None or held.position != said.cursor:
        async with database.transaction() as session:
            await session.merge(Cursor(peer=_PEER, position=said.cursor))
    return len(said.notices)


async def _apply_early(database: Database, gateway: ConsentGateway) -> None:
    """Apply the notices whose request has its gateway's name by now."""
    early = sa.select(EarlyNotice).join(
        ConsentRequest,
        ConsentRequest.gateway_id == EarlyNotice.gateway_id,  # type: ignore[arg-type]
    )
    async with database.session() as session:
        notices = list(await session.scalars(early.order_by(EarlyNotice.at)))  # type: ignore[arg-type]
    for notice in notices:
        await apply_notice(
            database,
            gateway,
            notice.gateway_id,
            notice.status,
            notice.artefacts,
            notice.reason,
            notice.at,
        )
        async with database.transaction() as session:
            await session.execute(
                sa.delete(EarlyNotice).where(EarlyNotice.id == notice.id)  # type: ignore[arg-type]
            )


async def apply_notice(
    database: Database,
    gateway: ConsentGateway,
    gateway_id: str,
    status: str,
    artefacts: Sequence[str],
    reason: str | None,
    at: datetime,
) -> None:
    """Let one notice take effect, once however often it comes."""
    fetched = [await gateway.artefact(id) for id in artefacts] if status == "GRANTED" else []
    async with database.transaction() as session:
        request = await session.scalar(
            sa.select(ConsentRequest)
            .where(ConsentRequest.gateway_id == gateway_id)  # type: ignore[arg-type]
            .with_for_update()
        )
        if request is None:
            await _keep_early(session, gateway_id, status, artefacts, reason, at)
            return
        match status:
            case "GRANTED":
                await _grant(session, request, fetched, at)
            case "DENIED":
                await _move(session, request, "denied", reason, at)
            case "REVOKED" | "EXPIRED" if artefacts:
                await _end_artefacts(session, request, artefacts, status.lower(), at)
            case "REVOKED" | "EXPIRED":
                await _move(session, request, status.lower(), reason, at)
            case _:
                log.warning("consents.unknown_notice", request_id=request.id, status=status[:20])


async def _keep_early(
    session: AsyncSession,
    gateway_id: str,
    status: str,
    artefacts: Sequence[str],
    reason: str | None,
    at: datetime,
) -> None:
    known = await session.scalars(
        sa.select(EarlyNotice).where(EarlyNotice.gateway_id == gateway_id)  # type: ignore[arg-type]
    )
    if not any(k.status == status and k.artefacts == list(artefacts) for k in known):
        session.add(
            EarlyNotice(
                gateway_id=gateway_id,
                status=status,
                artefacts=list(artefacts),
                reason=reason,
                at=at,
            )
        )


async def _grant(
    session: AsyncSession,
    request: ConsentRequest,
    artefacts: Sequence[IncomingArtefact],
    at: datetime,
) -> None:
    if not await _move(session, request, "granted", None, at):
        return
    for incoming in artefacts:
        artefact = ConsentArtefact(
            request_id=request.id,
            patient_id=request.patient_id,
            gateway_id=incoming.id,
            facility_id=incoming.facility_id,
            facility=incoming.facility[:300],
            abha_address=incoming.abha_address,
            hi_types=list(incoming.hi_types),
            care_contexts=list(incoming.care_contexts),
            start=incoming.start,
            end=incoming.end,
            erase_at=incoming.erase_at,
            access_mode=incoming.access_mode,
            narrowed=_narrowed(request, incoming),
            status="granted",
            granted_at=at,
        )
        session.add(artefact)
        await session.flush()
        await begin_transfer(session, artefact)


def _narrowed(request: ConsentRequest, artefact: IncomingArtefact) -> bool:
    return (
        set(artefact.hi_types) < set(request.hi_types)
        or artefact.start > request.start
        or artefact.end < request.end
        or artefact.erase_at < request.erase_at
    )


async def _move(
    session: AsyncSession, request: ConsentRequest, state: str, reason: str | None, at: datetime
) -> bool:
    """Take a request to a state, if its present one allows that; log and tell it."""
    if not allows(REQUEST, request.status, state):
        return False
    request.status = state
    request.version += 1
    request.updated_at = now()
    request.reason = reason or request.reason
    if state in ("granted", "denied"):
        request.decided_at = at
    session.add(request)
    place = await session.scalar(
        sa.select(sa.func.count())
        .select_from(StateChange)
        .where(StateChange.request_id == request.id)  # type: ignore[arg-type]
    )
    session.add(
        StateChange(request_id=request.id, state=state, reason=reason, at=at, place=place or 0)
    )
    await outbox.add(session, request_event(f"consents.request.{state}", request))
    return True


async def _end_artefacts(
    session: AsyncSession,
    request: ConsentRequest,
    gateway_ids: Sequence[str],
    state: str,
    at: datetime,
) -> None:
    rows = await session.scalars(
        sa.select(ConsentArtefact).where(ConsentArtefact.request_id == request.id)  # type: ignore[arg-type]
    )
    artefacts = list(rows)
    for artefact in artefacts:
        if artefact.gateway_id in gateway_ids and allows(ARTEFACT, artefact.status, state):
            await _end(session, artefact, state, at)
    if artefacts and all(artefact.status != "granted" for artefact in artefacts):
        await _move(session, request, state, None, at)


async def _end(session: AsyncSession, artefact: ConsentArtefact, state: str, at: datetime) -> None:
    """End an artefact: stop what runs under it, erase what came under it."""
    artefact.status, artefact.ended_at = state, at
    artefact.version += 1
    artefact.updated_at = now()
    session.add(artefact)
    await session.execute(
        sa.update(ExternalRecord)
        .where(
            ExternalRecord.artefact_id == artefact.id,  # type: ignore[arg-type]
            ExternalRecord.erased_at.is_(None),  # type: ignore[union-attr]
        )
        .values(document=None, sections=None, author=None, erased_at=now())
    )
    running = await session.scalars(
        sa.select(Transfer).where(
            Transfer.artefact_id == artefact.id,  # type: ignore[arg-type]
            Transfer.status.in_(["requested", "receiving"]),  # type: ignore[attr-defined]
        )
    )
    for transfer in running:
        await _finish(session, transfer, "cancelled", f"the consent was {state}")
    event = Event(
        f"consents.artefact.{state}",
        artefact.request_id,
        {
            "patient_id": artefact.patient_id,
            "request_id": artefact.request_id,
            "artefact_id": artefact.id,
            "status": state,
        },
    )
    await outbox.add(session, event)


async def expire(database: Database) -> int:
    """End what the clock has ended, whether or not the gateway says so; returns how many."""
    moment = now()
    async with database.session() as session:
        artefacts = list(
            await session.scalars(
                sa.select(ConsentArtefact.id).where(  # type: ignore[call-overload]
                    ConsentArtefact.status == "granted", ConsentArtefact.erase_at <= moment
                )
            )
        )
        requests = list(
            await session.scalars(
                sa.select(ConsentRequest.id).where(  # type: ignore[call-overload]
                    ConsentRequest.status == "requested", ConsentRequest.expires_at <= moment
                )
            )
        )
    for id in artefacts:
        async with database.transaction() as session:
            artefact = await session.get_one(ConsentArtefact, id)
            request = await session.get_one(ConsentRequest, artefact.request_id)
            await _end_artefacts(session, request, [artefact.gateway_id], "expired", moment)
    for id in requests:
        async with database.transaction() as session:
            request = await session.get_one(ConsentRequest, id)
            await _move(session, request, "expired", "not answered in time", moment)
    return len(artefacts) + len(requests)


# Records.


async def sweep_transfers(database: Database, gateway: ConsentGateway) -> int:
    """Take the pages that arrived; returns how many records were new."""
    async with database.session() as session:
        rows = await session.execute(
            sa.select(Transfer.id, Transfer.transaction_id).where(  # type: ignore[call-overload]
                Transfer.status.in_(["requested", "receiving"]),  # type: ignore[attr-defined]
                Transfer.transaction_id.is_not(None),  # type: ignore[union-attr]
            )
        )
        open_ones = [(row[0], row[1]) for row in rows]
    new = 0
    for id, transaction in open_ones:
        pages = await gateway.pages(transaction)
        taken, state = await _take_pages(database, id, pages)
        new += taken
        if state in ("completed", "failed"):
            await gateway.confirm(transaction, state == "completed")
    return new


async def _take_pages(database: Database, id: str, pages: IncomingPages) -> tuple[int, str]:
    async with database.transaction() as session:
        transfer = await session.get(Transfer, id, with_for_update=True)
        assert transfer is not None  # rows are never deleted
        artefact = await session.get(ConsentArtefact, transfer.artefact_id)
        assert artefact is not None
        if transfer.status not in ("requested", "receiving") or artefact.status != "granted":
            return 0, transfer.status  # the consent ended meanwhile: nothing is stored
        new, refused = 0, 0
        for entry in pages.entries:
            if fault := _outside(artefact, entry):
                refused += 1
                log.warning("consents.record_refused", transfer_id=id, reason=fault)
            elif await _store(session, artefact, transfer, entry):
                new += 1
        complete = pages.expected is not None and pages.received >= pages.expected
        if new == 0 and not complete and pages.failure is None:
            return 0, transfer.status
        transfer.pages_expected, transfer.pages_received = pages.expected, pages.received
        transfer.records += new
        transfer.refused = refused
        if pages.failure is not None:
            await _finish(session, transfer, "failed", pages.failure)
        elif complete and refused == len(pages.entries) and refused:
            await _finish(session, transfer, "failed", "no record could be accepted")
        else:
            await _finish(session, transfer, "completed" if complete else "receiving", None)
        return new, transfer.status


def _outside(artefact: ConsentArtefact, entry: IncomingEntry) -> str | None:
    """Why a record may not be stored under this artefact, if so."""
    if entry.fault is not None:
        return "broken document"
    if entry.care_context not in artefact.care_contexts:
        return "another visit than was granted"
    if entry.hi_type not in artefact.hi_types:
        return "another kind than was granted"
    return None


async def _store(
    session: AsyncSession, artefact: ConsentArtefact, transfer: Transfer, entry: IncomingEntry
) -> bool:
    text = codec.dumps(entry.document)
    digest = hashlib.sha256(text).hexdigest()
    known = await session.scalar(
        sa.select(ExternalRecord.id).where(  # type: ignore[call-overload]
            ExternalRecord.artefact_id == artefact.id, ExternalRecord.digest == digest
        )
    )
    if known is not None:
        return False
    session.add(
        ExternalRecord(
            patient_id=artefact.patient_id,
            artefact_id=artefact.id,
            transfer_id=transfer.id,
            facility=artefact.facility,
            care_context=entry.care_context[:200],
            hi_type=entry.hi_type or "HealthDocumentRecord",
            title=(entry.title or "Document")[:400],
            author=(entry.author or "")[:300] or None,
            authored=entry.authored,
            sorted_at=entry.authored or datetime(1900, 1, 1, tzinfo=UTC),
            sections=[list(section) for section in entry.sections],
            document=text.decode(),
            digest=digest,
        )
    )
    return True


async def _finish(
    session: AsyncSession, transfer: Transfer, state: str, failure: str | None
) -> None:
    """Take a transfer to a state, and tell it."""
    transfer.status, transfer.failure = state, failure[:400] if failure else None
    transfer.version += 1
    transfer.updated_at = now()
    if state != "receiving":
        transfer.completed_at = transfer.updated_at
    session.add(transfer)
    await outbox.add(session, transfer_event(f"consents.transfer.{state}", transfer))
