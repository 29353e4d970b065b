"""Recordings, transcripts, notes."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

import strawberry

from drassist import graph
from drassist.graph import ID, After, Before, Connection, First, Last, Page, Slice
from drassist.runtime.identity import reads, writes
from drassist.speech.events import SAMPLE_RATE
from subgraphs.notes import loaders, models
from subgraphs.notes.services import Services
from subgraphs.notes.services.delivering import text_of

__all__ = [
    "ClinicalNote",
    "Encounter",
    "Info",
    "MedicineDecision",
    "Patient",
    "Practitioner",
    "RecordingSession",
    "Segment",
]

Info: TypeAlias = strawberry.Info[graph.Context[Services], Any]


def visible_note(info: Info, row: models.Note | None) -> models.Note | None:
    """The note where its chart is open; a draft is seen by those who write notes only."""
    if row is None or (row.status == "draft" and not sees_drafts(info)):
        return None
    return info.context.visible(row)


def sees_drafts(info: Info) -> bool:
    """Whether the caller writes notes."""
    return info.context.identity.may(writes("Composition"))


@graph.enum("Where a recording stands.")
class RecordingStatus(Enum):
    RECORDING = graph.value("recording", "Audio may come.")
    FINISHING = graph.value("finishing", "No more audio; the rest is being heard.")
    TRANSCRIBED = graph.value("transcribed", "Heard to the end.")


@graph.enum("Where a note stands.")
class NoteStatus(Enum):
    DRAFT = graph.value("draft", "It may be edited.")
    SIGNED = graph.value("signed", "It stands.")
    AMENDED = graph.value("amended", "A later version stands; the earlier ones are kept.")


@graph.enum("A section of a SOAP note.")
class SectionCode(Enum):
    SUBJECTIVE = graph.value("S", "What the patient says.")
    OBJECTIVE = graph.value("O", "What was found.")
    ASSESSMENT = graph.value("A", "What it is.")
    PLAN = graph.value("P", "What is done about it.")


@graph.enum("Kinds of what a consultation names.")
class EntityKind(Enum):
    PROBLEM = graph.value("problem", "A symptom or a disease.")
    MEDICINE = graph.value("medicine", "A medicine.")
    TEST = graph.value("test", "An investigation.")
    VITAL = graph.value("vital", "A vital sign with its value.")
    ALLERGY = graph.value("allergy", "An allergy.")


@graph.enum("How something was meant.")
class EntityAssertion(Enum):
    PRESENT = graph.value("present", "It is so.")
    NEGATED = graph.value("negated", "It is not so.")
    HISTORICAL = graph.value("historical", "It was so.")
    HYPOTHETICAL = graph.value("hypothetical", "It might be so.")
    FAMILY = graph.value("family", "A relative has or had it.")


@graph.entity("A stretch of a consultation that was recorded.")
class RecordingSession(graph.Entity):
    row: strawberry.Private[models.Recording]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Where it stands.")
    def status(self) -> RecordingStatus:
        return RecordingStatus(self.row.status)

    @graph.resolver("The number of the next chunk: where a sender goes on.")
    def next_sequence(self) -> int:
        return self.row.next_sequence

    @graph.resolver("Seconds of audio that are stored.")
    def seconds(self) -> float:
        return self.row.samples / SAMPLE_RATE

    @graph.resolver("Seconds of audio that are heard for good.")
    def heard_seconds(self) -> float:
        return self.row.heard_samples / SAMPLE_RATE

    @graph.resolver("Where audio is sent to, relative to the server.")
    def audio_path(self) -> str:
        return "/audio"

    @graph.resolver("When it began.")
    def started_at(self) -> datetime:
        return self.row.started_at

    @graph.resolver("When the last audio came.")
    def finished_at(self) -> datetime | None:
        return self.row.finished_at

    @graph.resolver("The visit.")
    def encounter(self) -> Encounter:
        return Encounter(id=ID(self.row.encounter_id))

    @graph.resolver("Who is treated.")
    def patient(self) -> Patient:
        return Patient(id=ID(self.row.patient_id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> RecordingSession | None:
        info.context.demand(reads("Recording"))
        row = info.context.visible(await info.context.load(loaders.recording_by_id, str(id)))
        return cls(row=row) if row else None


@graph.entity("What one person said in one go.")
class Segment(graph.Entity):
    row: strawberry.Private[models.Segment]

    @graph.resolver("Opaque id; a partial and its final text share it.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Grows with every change of the text.")
    def revision(self) -> int:
        return self.row.revision

    @graph.resolver("Whether the text stands; false while the person speaks.")
    def final(self) -> bool:
        return self.row.final

    @graph.resolver("Its place in the recording, from 0.")
    def number(self) -> int:
        return self.row.number

    @graph.resolver("The words; empty when a partial text turned out to be noise.", phi=True)
    def text(self) -> str:
        return self.row.text

    @graph.resolver("Seconds from the beginning of the recording.")
    def start(self) -> float:
        return self.row.start_ms / 1000

    @graph.resolver("Seconds from the beginning of the recording.")
    def end(self) -> float:
        return self.row.end_ms / 1000

    @graph.resolver("doctor or patient, where the channel tells.")
    def speaker(self) -> str | None:
        return self.row.speaker

    @graph.resolver("How sure the engine is, 0 to 1.")
    def confidence(self) -> float:
        return self.row.confidence / 1000

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> Segment | None:
        info.context.demand(reads("Recording"))
        row = info.context.visible(await info.context.load(loaders.segment_by_id, str(id)))
        return cls(row=row) if row else None


@graph.type("What was said in a visit.")
class Transcript:
    segments: list[Segment] = graph.field("Final segments, in the order of speaking.", phi=True)
    recordings: list[RecordingSession] = graph.field("The recordings that they come from.")
    complete: bool = graph.field("Whether every recording was heard to its end.")


@graph.type("A code that was looked up by words: a hint for the reader, told to nobody else.")
class EntityCode:
    system: str = graph.field("URI of the code system.")
    code: str = graph.field("The code.", phi=True)
    display: str = graph.field("What it stands for.", phi=True)


@graph.type("How a medicine is taken, as far as it was said.")
class HeardDosage:
    dose: str | None = graph.field("Amount each time.", phi=True)
    dose_unit: str | None = graph.field("Its unit.", phi=True)
    route: str | None = graph.field("Route.", phi=True)
    frequency: int | None = graph.field("Times per period.", phi=True)
    period: str | None = graph.field("The period.", phi=True)
    period_unit: str | None = graph.field("Its unit: h, d or wk.", phi=True)
    when: list[str] = graph.field("FHIR event timings such as PCM.", phi=True)
    as_needed: bool = graph.field("Only when needed.", phi=True)
    duration: str | None = graph.field("For how long.", phi=True)
    duration_unit: str | None = graph.field("Its unit.", phi=True)
    raw: str = graph.field("The words that say so.", phi=True)


@graph.type("Something clinical that was named.")
class NoteEntity:
    id: ID = graph.field("Its id within the note.")
    kind: EntityKind = graph.field("What it is.")
    label: str = graph.field("Its usual name.", phi=True)
    text: str = graph.field("The words.", phi=True)
    assertion: EntityAssertion = graph.field("How it was meant.", phi=True)
    segment_id: ID = graph.field("Where it was said.")
    code: EntityCode | None = graph.field("Its code, where there is one.", phi=True)
    value: str | None = graph.field("A vital sign's value.", phi=True)
    unit: str | None = graph.field("Its unit (UCUM).", phi=True)
    dosage: HeardDosage | None = graph.field("How a medicine is taken.", phi=True)
    decision: MedicineDecision | None = graph.field(
        "What the doctor said about its name, of a medicine; null while undecided.", phi=True
    )


@graph.enum("What the doctor says about a medicine of a draft.")
class MedicineDecision(Enum):
    ACCEPTED = graph.value("accepted", "It is that medicine.")
    REJECTED = graph.value("rejected", "It is not.")


@graph.type("A medicine that was named, once for each way it was heard; the doctor decides.")
class MedicineSuggestion:
    number: int = graph.field("Its place in the list: what decideSuggestions takes.")
    heard: str = graph.field("The words as they were heard.", phi=True)
    medicine: str = graph.field("The medicine that they name, or sound like.", phi=True)
    clear: bool = graph.field(
        "Whether the words are a name of it; false where they only sound like one."
    )
    confidence: float = graph.field(
        "How sure it is, 0 to 1: how alike words and name are, times how well they were heard. "
        "A measure to compare by, and no probability."
    )
    segment_ids: list[ID] = graph.field("Where it was said.")
    decision: MedicineDecision | None = graph.field("What the doctor said; null while undecided.")


@graph.type("A sentence of a note, and where it was said.")
class NoteSentence:
    text: str = graph.field("The sentence.", phi=True)
    segment_ids: list[ID] = graph.field("The segments that it rests on; none when typed.")
    entity_ids: list[ID] = graph.field("What it names.")


@graph.type("A section of a note.")
class NoteSection:
    code: SectionCode = graph.field("Which one.")
    title: str = graph.field("Its title.")
    text: str = graph.field("Its sentences as running text.", phi=True)
    sentences: list[NoteSentence] = graph.field("Its sentences.", phi=True)


def sections_of(kept: list[dict[str, Any]]) -> list[NoteSection]:
    """Sections as the tables keep them, as the graph shows them."""
    return [
        NoteSection(
            code=SectionCode(section["code"]),
            title=section["title"],
            text=text_of(section),
            sentences=[
                NoteSentence(
                    text=sentence["text"],
                    segment_ids=[ID(id) for id in sentence["segments"]],
                    entity_ids=[ID(id) for id in sentence["entities"]],
                )
                for sentence in section["sentences"]
            ],
        )
        for section in kept
    ]


@graph.type("A signed version of a note; it never changes.")
class NoteVersion:
    row: strawberry.Private[models.NoteVersion]

    @graph.resolver("1 for the first signing, then one more for each amendment.")
    def number(self) -> int:
        return self.row.number

    @graph.resolver("When it was signed.")
    def signed_at(self) -> datetime:
        return self.row.signed_at

    @graph.resolver("Who signed it.")
    def signed_by(self) -> str:
        return self.row.signed_by

    @graph.resolver("Why it was amended.", phi=True)
    def reason(self) -> str | None:
        return self.row.reason

    @graph.resolver("What it says.", phi=True)
    def sections(self) -> list[NoteSection]:
        return sections_of(self.row.sections)

    @graph.resolver("Its name in the EHR; null while it is on its way, or where there is none.")
    def document(self) -> str | None:
        return self.row.document


@graph.entity("A clinical note: a draft, or what was signed.")
class ClinicalNote(graph.Entity):
    row: strawberry.Private[models.Note]

    @graph.resolver("Opaque id.")
    def id(self) -> ID:
        return ID(self.row.id)

    @graph.resolver("Number of changes so far.")
    def version(self) -> int:
        return self.row.version

    @graph.resolver("When it was last changed.")
    def updated_at(self) -> datetime:
        return self.row.updated_at

    @graph.resolver("When it was drafted.")
    def created_at(self) -> datetime:
        return self.row.created_at

    @graph.resolver("Where it stands.")
    def status(self) -> NoteStatus:
        return NoteStatus(self.row.status)

    @graph.resolver("Whose note it is.")
    def author(self) -> Practitioner | None:
        return Practitioner(id=ID(self.row.author_id)) if self.row.author_id else None

    @graph.resolver("The author's name.")
    def author_name(self) -> str:
        return self.row.author_name

    @graph.resolver("What it says now, in the order S, O, A, P.", phi=True)
    def sections(self) -> list[NoteSection]:
        return sections_of(self.row.sections)

    @graph.resolver("What the consultation named.", phi=True)
    def entities(self) -> list[NoteEntity]:
        decided = {
            (id, each["heard"].lower()): each["decision"]
            for each in self.row.suggestions
            for id in each["utterance_ids"]
        }
        return [
            _entity(each, decided.get((each["utterance_id"], each["text"].lower())))
            for each in self.row.entities
        ]

    @graph.resolver(
        "Every medicine that was named: each is confirmed or rejected before the note is signed.",
        phi=True,
    )
    def suggestions(self) -> list[MedicineSuggestion]:
        return [
            MedicineSuggestion(
                number=number,
                heard=each["heard"],
                medicine=each["medicine"],
                clear=each["clear"],
                confidence=float(each["confidence"]),
                segment_ids=[ID(id) for id in each["utterance_ids"]],
                decision=MedicineDecision(each["decision"]) if each["decision"] else None,
            )
            for number, each in enumerate(self.row.suggestions)
        ]

    @graph.resolver("Signed versions, the first one first.", list_size=2)
    async def versions(self, info: Info) -> list[NoteVersion]:
        rows = await info.context.load(loaders.versions_of_note, self.row.id)
        return [NoteVersion(row=row) for row in rows or ()]

    @graph.resolver("The visit.")
    def encounter(self) -> Encounter:
        return Encounter(id=ID(self.row.encounter_id))

    @graph.resolver("Whom it is about.")
    def patient(self) -> Patient:
        return Patient(id=ID(self.row.patient_id))

    @classmethod
    @graph.reference("id")
    async def by_id(cls, info: Info, id: ID) -> ClinicalNote | None:
        info.context.demand(reads("Composition"))
        row = visible_note(info, await info.context.load(loaders.note_by_id, str(id)))
        return cls(row=row) if row else None


def _entity(kept: dict[str, Any], decision: str | None) -> NoteEntity:
    code, dosage = kept.get("code"), kept.get("dosage")
    fields = (
        "dose",
        "dose_unit",
        "route",
        "frequency",
        "period",
        "period_unit",
        "when",
        "as_needed",
        "duration",
        "duration_unit",
        "raw",
    )
    return NoteEntity(
        id=ID(kept["id"]),
        kind=EntityKind(kept["kind"]),
        label=kept["label"],
        text=kept["text"],
        assertion=EntityAssertion(kept["assertion"]),
        segment_id=ID(kept["utterance_id"]),
        code=EntityCode(**code) if code else None,
        value=kept.get("value"),
        unit=kept.get("unit"),
        dosage=HeardDosage(**{name: dosage[name] for name in fields}) if dosage else None,
        decision=MedicineDecision(decision) if decision else None,
    )


@graph.entity("A visit.")
class Encounter(graph.Entity):
    id: ID = graph.field("Opaque id.")

    @graph.resolver("What was said.", phi=True, scopes=reads("Recording"), cost=2)
    async def transcript(self, info: Info) -> Transcript:
        segments = await info.context.load(loaders.segments_of_encounter, str(self.id)) or []
        recordings = await info.context.load(loaders.recordings_of_encounter, str(self.id)) or []
        for patient in {row.patient_id for row in segments} | {r.patient_id for r in recordings}:
            info.context.open_chart(patient)
        return Transcript(
            segments=[Segment(row=row) for row in segments],
            recordings=[RecordingSession(row=row) for row in recordings],
            complete=all(row.status == "transcribed" for row in recordings),
        )

    @graph.resolver("Notes, the newest first.", phi=True, scopes=reads("Composition"), list_size=3)
    async def notes(self, info: Info) -> list[ClinicalNote]:
        rows = await info.context.load(loaders.notes_of_encounter, str(self.id)) or []
        return [ClinicalNote(row=row) for row in rows if visible_note(info, row)]


@graph.entity("A person with a chart in this hospital.")
class Patient(graph.Entity):
    id: ID = graph.field("Opaque id; never the hospital number.")

    @graph.resolver(
        "Clinical notes, the newest first.", phi=True, scopes=reads("Composition"), list_size=20
    )
    async def notes(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ClinicalNote]:
        info.context.open_chart(str(self.id))
        limit = info.context.services.settings.limits.page_size
        page = Page.of(first, after, last, before, limit=limit)
        key = (str(self.id), page, sees_drafts(info))
        found = await info.context.load(loaders.notes_of_patient, key)
        nothing: Slice[models.Note] = Slice((), (), more_after=False, more_before=False)
        return graph.connect(found or nothing, lambda row: ClinicalNote(row=row))


@graph.entity("Somebody who sees patients.", resolvable=False)
class Practitioner(graph.Entity):
    id: ID = graph.field("Opaque id.")
