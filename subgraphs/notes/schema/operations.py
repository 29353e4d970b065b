"""Where reading starts, what can be done, what can be watched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import strawberry

from drassist import graph
from drassist.events import Lagged
from drassist.graph import ID
from drassist.language import Context
from drassist.runtime.identity import command, reads, writes
from subgraphs.notes import loaders, models
from subgraphs.notes.schema.types import (
    ClinicalNote,
    Info,
    MedicineDecision,
    RecordingSession,
    SectionCode,
    Segment,
)
from subgraphs.notes.services import recording, writing
from subgraphs.notes.services.drafting import draft_note, segments_of

__all__ = ["Mutation", "Query", "Subscription"]

_Id = Annotated[ID, graph.arg("Which one.")]
_Version = Annotated[int, graph.arg("The version that the caller has seen.")]


@strawberry.type
class Query:
    @graph.resolver("A note by its id.", scopes=reads("Composition"))
    async def clinical_note(self, info: Info, id: _Id) -> ClinicalNote | None:
        return await ClinicalNote.by_id(info, id)

    @graph.resolver("A recording by its id.", scopes=reads("Recording"))
    async def recording(self, info: Info, id: _Id) -> RecordingSession | None:
        return await RecordingSession.by_id(info, id)


@graph.input("What to record.")
class StartRecordingInput:
    encounter_id: ID = graph.field("The visit.")
    patient_id: ID = graph.field("Who is treated.")
    expected_words: list[str] = graph.field(
        "Words to expect, such as the patient's medicines; at most 40.", default_factory=list
    )


@graph.input("What to draft from.")
class DraftNoteInput:
    encounter_id: ID = graph.field("The visit.")
    known_medicines: list[str] = graph.field(
        "Medicines that the patient takes.", default_factory=list
    )


@graph.input("A sentence of a note.")
class SentenceInput:
    text: str = graph.field("The sentence.")
    segment_ids: list[ID] = graph.field("What it rests on.", default_factory=list)
    entity_ids: list[ID] = graph.field("What it names.", default_factory=list)


@graph.input("A section of a note.")
class SectionInput:
    code: SectionCode = graph.field("Which one.")
    sentences: list[SentenceInput] = graph.field("Its sentences.")

    def kept(self) -> dict[str, Any]:
        """The section as the tables keep it."""
        return {
            "code": self.code.value,
            "sentences": [
                {
                    "text": each.text,
                    "segments": [str(id) for id in each.segment_ids],
                    "entities": [str(id) for id in each.entity_ids],
                }
                for each in self.sentences
            ],
        }


@graph.input("What the doctor says about one suggestion.")
class SuggestionDecisionInput:
    number: int = graph.field("Which suggestion.")
    decision: MedicineDecision = graph.field("Whether it is that medicine.")


@graph.type("What became of a recording.")
class RecordingPayload(graph.Payload):
    recording: RecordingSession | None = graph.field("The recording.", default=None)


@graph.type("What became of a note.")
class NotePayload(graph.Payload):
    note: ClinicalNote | None = graph.field("The note.", default=None)


@strawberry.type
class Mutation:
    @graph.mutation(
        "Open a recording; then send audio to its audioPath.",
        scopes=writes("Recording"),
        tags=["staff"],
    )
    async def start_recording(
        self, info: Info, input: Annotated[StartRecordingInput, graph.arg("What.")]
    ) -> RecordingPayload:
        services = info.context.services
        row = await recording.start_recording(
            services.database,
            encounter_id=_bounded(input.encounter_id, "encounterId"),
            patient_id=_bounded(input.patient_id, "patientId"),
            practitioner_id=info.context.identity.practitioner_id,
            hotwords=tuple(input.expected_words),
        )
        services.hearing.wake(row.id)  # the models are loaded while the microphone is set up
        return RecordingPayload(recording=RecordingSession(row=row))

    @graph.mutation(
        "Close a recording; what is stored is heard to its end.",
        scopes=writes("Recording"),
        tags=["staff"],
    )
    async def finish_recording(self, info: Info, id: _Id) -> RecordingPayload:
        services = info.context.services
        row = await recording.finish_recording(services.database, str(id))
        if row is None:
            raise graph.DomainError(graph.ErrorCode.NOT_FOUND, "No such recording.", "id")
        services.hearing.wake(row.id)
        return RecordingPayload(recording=RecordingSession(row=row))

    @graph.mutation(
        "Draft a note from what was said.", scopes=writes("Composition"), tags=["staff"]
    )
    async def draft_note(
        self, info: Info, input: Annotated[DraftNoteInput, graph.arg("What from.")]
    ) -> NotePayload:
        services, who = info.context.services, info.context.identity
        row = await draft_note(
            services.database,
            services.nlp,
            encounter_id=str(input.encounter_id),
            author_id=who.practitioner_id,
            author_name=who.name or who.subject or "",
            context=Context(known_medicines=tuple(m[:200] for m in input.known_medicines[:100])),
        )
        return NotePayload(note=ClinicalNote(row=row))

    @graph.mutation(
        "Replace a draft's sections; sections left out become empty.",
        scopes=writes("Composition"),
        tags=["staff"],
    )
    async def edit_note(
        self,
        info: Info,
        id: _Id,
        expected_version: _Version,
        sections: Annotated[list[SectionInput], graph.arg("What it says now.")],
    ) -> NotePayload:
        row = await writing.edit_note(
            info.context.services.database, str(id), expected_version, [s.kept() for s in sections]
        )
        return NotePayload(note=ClinicalNote(row=row))

    @graph.mutation(
        "Confirm or reject medicines of a draft, as many at once as the doctor has looked at.",
        scopes=writes("Composition"),
        tags=["staff"],
    )
    async def decide_suggestions(
        self,
        info: Info,
        id: _Id,
        expected_version: _Version,
        decisions: Annotated[list[SuggestionDecisionInput], graph.arg("Each decision.")],
    ) -> NotePayload:
        row = await writing.decide_suggestions(
            info.context.services.database,
            str(id),
            expected_version,
            [(each.number, each.decision.value) for each in decisions],
        )
        return NotePayload(note=ClinicalNote(row=row))

    @graph.mutation(
        "Sign a draft: it is immutable then, and goes to the EHR.",
        scopes=command("note.sign"),
        tags=["staff"],
    )
    async def sign_note(self, info: Info, id: _Id, expected_version: _Version) -> NotePayload:
        who = info.context.identity
        row = await writing.sign_note(
            info.context.services.database,
            str(id),
            expected_version,
            who.name or str(who.subject),
            who.practitioner_id,
        )
        return NotePayload(note=ClinicalNote(row=row))

    @graph.mutation(
        "Sign another version of a signed note.", scopes=command("note.sign"), tags=["staff"]
    )
    async def amend_note(
        self,
        info: Info,
        id: _Id,
        expected_version: _Version,
        sections: Annotated[list[SectionInput], graph.arg("What it says from now on.")],
        reason: Annotated[str, graph.arg("Why.")],
    ) -> NotePayload:
        who = info.context.identity
        row = await writing.amend_note(
            info.context.services.database,
            str(id),
            expected_version,
            [section.kept() for section in sections],
            reason,
            who.name or str(who.subject),
        )
        return NotePayload(note=ClinicalNote(row=row))


@strawberry.type
class Subscription:
    @graph.subscription(
        "What is said: final segments from the beginning, then every change as it is heard.",
        scopes=reads("Recording"),
    )
    async def transcript(
        self, info: Info, encounter_id: Annotated[ID, graph.arg("The visit.")]
    ) -> AsyncIterator[Segment]:
        sent: dict[str, int] = {}
        lagged = True
        while lagged:
            lagged = False
            async with aclosing(_segments(info, str(encounter_id))) as rows:
                async for row in rows:
                    if row is None:
                        lagged = True
                    elif sent.get(row.id, 0) < row.revision:
                        sent[row.id] = row.revision
                        yield Segment(row=row)

    @graph.subscription("A note was drafted, edited or signed.", scopes=reads("Composition"))
    async def note_changed(
        self, info: Info, encounter_id: Annotated[ID, graph.arg("The visit.")]
    ) -> AsyncIterator[ClinicalNote]:
        async with await info.context.services.bus.subscribe("notes.note.*") as events:
            async for event in events:
                if event.data.get("encounter_id") == encounter_id and (
                    found := await ClinicalNote.by_id(info, ID(event.subject))
                ):
                    yield found


async def _segments(info: Info, encounter_id: str) -> AsyncGenerator[models.Segment | None, None]:
    """Final segments, then each one that changes; None at the end when some were missed."""
    services = info.context.services
    # Watched before it is read, so that nothing falls between the two.
    async with await services.bus.subscribe("notes.segment.*") as events:
        for row in await segments_of(services.database, encounter_id):
            if info.context.visible(row) is None:
                raise info.context.refusal()
            yield row
        try:
            async for event in events:
                if event.subject == encounter_id:
                    id = str(event.data["segment_id"])
                    row_now = info.context.visible(
                        await info.context.load(loaders.segment_by_id, id)
                    )
                    if row_now is not None:
                        yield row_now
        except Lagged:
            yield None


def _bounded(id: ID, field: str) -> str:
    if not 0 < len(id) <= 80:
        raise graph.DomainError(
            graph.ErrorCode.VALIDATION_FAILED, "An id has 1 to 80 characters.", "input", field
        )
    return str(id)
