"""Tasks: owned by a role, so that a shift change orphans none, and claimed by a person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from drassist.clinical import InvalidValue
from drassist.graph import DomainError, ErrorCode
from drassist.runtime.database import claim_version
from drassist.runtime.identity import Identity, Role
from subgraphs.encounters.models import Encounter, Task
from subgraphs.encounters.services.wiring import Services, tell

__all__ = ["PRIORITIES", "cancel", "claim", "complete", "create"]

PRIORITIES: Final = ("routine", "urgent", "asap", "stat")


async def create(
    services: Services,
    description: str,
    owner_role: Role,
    by: Identity,
    *,
    priority: str = "routine",
    patient_id: str | None = None,
    encounter_id: str | None = None,
    due: datetime | None = None,
) -> Task:
    """Ask a role for something; about a patient or a visit, if it is."""
    if not description.strip() or len(description) > 2_000:
        raise InvalidValue("A task is described in 1 to 2000 characters", "input", "description")
    async with services.database.transaction() as session:
        if encounter_id is not None:
            encounter = await session.get(Encounter, encounter_id)
            if encounter is None:
                raise DomainError(ErrorCode.NOT_FOUND, "There is no such encounter.", "encounterId")
            if patient_id not in (None, encounter.patient_id):
                raise DomainError(ErrorCode.STALE_CONTEXT, "The encounter is another patient's.")
            patient_id = encounter.patient_id
        task = Task(
            description=description.strip(),
            owner_role=owner_role.value,
            priority=priority,
            patient_id=patient_id,
            encounter_id=encounter_id,
            due_at=due,
            requested_by=by.subject,
        )
        session.add(task)
        await session.flush()
        await _tell(session, "task.created", task, by)
    return task


async def claim(services: Services, id: str, expected_version: int, by: Identity) -> Task:
    """Take a task; of two who take it together, one gets VERSION_CONFLICT."""
    return await _turn(services, id, expected_version, by, ("requested",), "in-progress", "claimed")


async def complete(
    services: Services, id: str, expected_version: int, outcome: str | None, by: Identity
) -> Task:
    """The task is done."""
    return await _turn(
        services, id, expected_version, by, ("requested", "in-progress"), "completed", "completed",
        outcome,
    )  # fmt: skip


async def cancel(
    services: Services, id: str, expected_version: int, reason: str, by: Identity
) -> Task:
    """The task is no longer wanted."""
    if not reason.strip():
        raise InvalidValue("A cancellation needs a reason", "reason")
    return await _turn(
        services, id, expected_version, by, ("requested", "in-progress"), "cancelled", "cancelled",
        reason,
    )  # fmt: skip


async def _turn(
    services: Services,
    id: str,
    expected_version: int,
    by: Identity,
    allowed: tuple[str, ...],
    status: str,
    topic: str,
    outcome: str | None = None,
) -> Task:
    async with services.database.transaction() as session:
        task = await session.get(Task, id)
        if task is None:
            raise DomainError(ErrorCode.NOT_FOUND, "There is no such task.", "id")
        if by.roles and task.owner_role not in by.roles and Role.SYSTEM not in by.roles:
            raise DomainError(ErrorCode.NOT_ALLOWED, "This task is another role's.", "id")
        await claim_version(session, task, expected_version)
        if task.status not in allowed:
            raise DomainError(ErrorCode.WRONG_STATE, f"The task is {task.status}.", "id")
        task.status = status
        task.claimed_by = task.claimed_by or by.subject
        if outcome is not None:
            task.outcome = outcome[:2_000]
        await _tell(session, f"task.{topic}", task, by)
    return task


async def _tell(session: AsyncSession, topic: str, task: Task, by: Identity) -> None:
    await tell(
        session,
        topic,
        task.id,
        {
            "task_id": task.id,
            "owner_role": task.owner_role,
            "patient_id": task.patient_id,
            "version": task.version,
            "actor": by.subject,
        },
    )
