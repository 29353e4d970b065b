"""Who a patient is, asked in the graph.

A laboratory finds her chart by the number that the hospital gave her, under the system that gave
it; without that, by our id. While the graph does not answer, an order waits: it must not go out
under a name that is only half known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from drassist.adapters.errors import PeerUnavailable
from drassist.clinical import Subject

__all__ = ["ByIdOnly", "Execute", "PatientsInGraph"]

Execute: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Executes an operation against the patients subgraph and gives the GraphQL response.

Raises :class:`PeerUnavailable` while nobody answers.
"""

_ASK = """query Identify($patients: [_Any!]!) { _entities(representations: $patients) {
  ... on Patient { mrn name gender birthDate %s } } }"""
_GENDERS = frozenset({"male", "female", "other", "unknown"})


class PatientsInGraph:
    """``facility`` is the URI of our systems, under which a hospital number stands without another."""

    def __init__(self, execute: Execute, facility: str) -> None:
        self._execute = execute
        self._facility = facility

    async def identify(self, patient_id: str) -> Subject:
        """Return what may be told; raises :class:`PeerUnavailable` while nobody answers."""
        found = await self._ask(patient_id, "identifiers { system value type }")
        # numbers need a right of their own: without it the hospital's own number has to do
        found = found or await self._ask(patient_id, "")
        if found is None:
            raise PeerUnavailable("the graph does not know the patient yet")
        gender = str(found.get("gender") or "").lower()
        return Subject(
            id=patient_id,
            identifiers=self._identifiers(found),
            name=found.get("name"),
            birth_date=found.get("birthDate"),
            gender=gender if gender in _GENDERS else None,
        )

    async def _ask(self, patient_id: str, more: str) -> Mapping[str, Any] | None:
        patients = [{"__typename": "Patient", "id": patient_id}]
        answer = await self._execute(_ASK % more, {"patients": patients})
        entities = (answer.get("data") or {}).get("_entities") or [None]
        found: Mapping[str, Any] | None = entities[0]
        return found

    def _identifiers(self, found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """The hospital's number under the system that gave it comes first."""
        mrn = str(found.get("mrn"))
        given = [i for i in found.get("identifiers") or () if i.get("system")]
        given.sort(key=lambda i: (i.get("value") != mrn, i.get("type") != "MR"))
        own = (f"{self._facility}/mrn", mrn)
        numbers = [(str(i["system"]), str(i["value"])) for i in given if i.get("type") == "MR"]
        return tuple(numbers) or (own,)


class ByIdOnly:
    """Tells peers our id and nothing else, where the graph cannot be asked."""

    async def identify(self, patient_id: str) -> Subject:
        return Subject(patient_id)
