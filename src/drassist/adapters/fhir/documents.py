"""Signed notes -> the EHR, as FHIR documents.

A version of a note is published under its own identifier, so publishing it again finds the one
that is there. An amendment is another version and another document; the old one stays readable.
"""

from __future__ import annotations

from drassist.adapters.errors import AnswerInvalid
from drassist.adapters.fhir.client import FhirClient
from drassist.fhir.writing import SignedNote, Systems, note_document

__all__ = ["FhirDocuments"]


class FhirDocuments:
    """The document store of an EHR; ``facility`` is the URI of our identifier systems."""

    def __init__(self, client: FhirClient, facility: str) -> None:
        self._client = client
        self._systems = Systems(facility)

    async def publish(self, note: SignedNote) -> str:
        """Store a signed note, once however often it is called; returns ``Bundle/id`` there."""
        document = note_document(note, self._systems)
        name = document["identifier"]["value"]
        stored = await self._client.create(
            document, if_none_exist=f"identifier={self._systems.note}|{name}"
        )
        if id := stored.get("id"):
            return f"Bundle/{id}"
        steps = str(stored.get("location", "")).split("/_history/")[0].split("/")
        if len(steps) < 2:
            raise AnswerInvalid("the server took a document and did not say under which name")
        return "/".join(steps[-2:])
