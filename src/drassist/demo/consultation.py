"""The consultation, step by step; each step says what it did.

The steps are those of a day: check-in, recording, draft, signing, order and prescription, result
on the patient's phone, consent for outside records, and one query across all domains.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import aiohttp
from websockets.exceptions import ConnectionClosed

from drassist.demo import documents as doc
from drassist.demo.device import Device, GraphQLFailed
from drassist.demo.people import sign_in
from drassist.speech.client import stream_audio
from drassist.speech.events import SAMPLE_RATE
from drassist.speech.pcm import chunks, read_audio

__all__ = ["Consultation", "Failed", "Played"]

CHUNK_S = 0.25
PATIENCE_S = 90.0
RETRY_S = 0.5


class Failed(Exception):
    """A step did not lead where it should; the text says which and why."""


@dataclass(slots=True)
class Played:
    """What the consultation made, by id, and what came back."""

    patient: dict[str, Any] = field(default_factory=dict)
    encounter_id: str = ""
    recording_id: str = ""
    segments: list[dict[str, Any]] = field(default_factory=list)
    partials: int = 0
    note: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    prescription: dict[str, Any] = field(default_factory=dict)
    home: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)


class Consultation:
    """Plays against ``base``. ``say`` gets each line; ``heard`` each transcript segment.

    What must come is waited for ``patience`` seconds, a server that is started again among it.
    """

    def __init__(
        self,
        base: str,
        *,
        password: str,
        say: Callable[[str], None] = lambda line: None,
        heard: Callable[[dict[str, Any]], None] = lambda segment: None,
        sent: Callable[[float, float], None] = lambda seconds, total: None,
        issuer: str | None = None,
        audio_url: str | None = None,
        search: str = "Priya Sharma",
        patience: float = PATIENCE_S,
    ) -> None:
        self._base = base.rstrip("/")
        self._password = password
        self._issuer = issuer or f"{self._base}/identity"
        self._audio_url = audio_url or self._base.replace("http", "ws", 1) + "/audio"
        self._search = search
        self._patience = patience
        self._say = say
        self._heard = heard
        self._sent = sent
        self._stack = AsyncExitStack()
        self._final: set[str] = set()
        self.made = Played()

    async def __aenter__(self) -> Self:
        """Sign everybody in."""
        timeout = aiohttp.ClientTimeout(total=60)
        async with AsyncExitStack() as stack:  # who cannot sign in leaves nothing open
            http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
            tokens = {
                name: await sign_in(http, self._issuer, name, self._password)
                for name in ("doctor", "frontdesk", "patient")
            }
            self._stack = stack.pop_all()
        self._token = tokens["doctor"]
        self.doctor = Device(http, self._base, "web", tokens["doctor"])
        self.tablet = Device(http, self._base, "tablet", tokens["doctor"])
        self.desk = Device(http, self._base, "web", tokens["frontdesk"])
        self.phone = Device(http, self._base, "mobile", tokens["patient"])
        self._say("Signed in: doctor (web, tablet), front desk (web), patient (mobile)")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def move(self, base: str) -> None:
        """Go on at another gateway, on every device: gateways keep nothing."""
        for device in (self.doctor, self.tablet, self.desk, self.phone):
            device.base = base

    async def arrive(self) -> None:
        """The front desk books and checks in; the tablet's queue changes."""
        found = await self.desk.ask(doc.FIND, text=self._search)
        edges = found["searchPatients"]["edges"]
        if not edges:
            raise Failed(f"no patient like {self._search!r}: import patients first")
        self.made.patient = edges[0]["node"]["patient"]
        doctor = (await self.doctor.ask(doc.DOCTOR))["workspace"]["practitioner"]
        if doctor is None or doctor["name"] is None:
            raise Failed("the doctor is no practitioner of this system")
        self._say(f"Patient {self.made.patient['name']}, {self.made.patient['mrn']}")
        await self._book_next_visit(doctor["id"])
        async with self.tablet.watch(doc.QUEUE, doctor=doctor["id"]) as queue:
            await asyncio.wait_for(anext(queue), self._patience)  # how it stands now
            changing = asyncio.ensure_future(_arrival_seen(queue, self.made.patient["id"]))
            arrival = await self.desk.change(
                doc.WALK_IN,
                input={
                    "patientId": self.made.patient["id"],
                    "practitionerId": doctor["id"],
                    "reason": "Fever and cough",
                },
            )
            card = await asyncio.wait_for(changing, self._patience)
        encounter = arrival["encounter"]
        self.made.encounter_id = encounter["id"]
        self._say(f"Checked in with token {arrival['token']['number']}")
        self._say(f"Tablet: {_card(card)}")
        await self.doctor.change(doc.START, id=encounter["id"], version=encounter["version"])
        self._say("The doctor starts the encounter")

    async def _book_next_visit(self, doctor_id: str) -> None:
        """A follow-up next week, so that the phone has a next appointment to show."""
        day = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
        opened = await self.desk.ask(
            doc.OPEN_SESSION,
            doctor=doctor_id,
            start=day.isoformat(),
            end=(day + timedelta(hours=2)).isoformat(),
        )
        slots = opened["openSession"]["slots"]
        start = slots[0]["start"] if slots else day.isoformat()
        wanted = {
            "patientId": self.made.patient["id"],
            "practitionerId": doctor_id,
            "start": start,
            "reason": "Follow-up",
        }
        try:
            booked = await self.desk.change(doc.BOOK, input=wanted)
        except GraphQLFailed as error:
            self._say(f"Follow-up: {error}")  # played before: the slot or the day is taken
        else:
            self._say(f"Follow-up booked for {booked['appointment']['localStart']}")

    async def talk(self, audio: Path, *, speed: float = 1.0) -> None:
        """Stream a recording, ``speed`` times as fast as it was spoken; the words appear meanwhile."""
        pcm = await asyncio.to_thread(read_audio, audio)
        started = await self.doctor.change(
            doc.RECORD,
            input={
                "encounterId": self.made.encounter_id,
                "patientId": self.made.patient["id"],
                "expectedWords": ["metformin", "azithromycin", "paracetamol"],
            },
        )
        self.made.recording_id = started["recording"]["id"]
        listening = asyncio.create_task(self._listen())
        try:
            last = await stream_audio(
                self._audio_url,
                self.made.recording_id,
                self._token,
                self._spoken(pcm, speed),
                patience=self._patience,
            )
            self._say(f"Audio sent: {len(pcm) / 2 / SAMPLE_RATE:.0f} s in {last + 1} chunks")
            await self._transcribed()
            await self._shown()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        self._say(
            f"Transcript: {len(self.made.segments)} segments, {self.made.partials} partial updates"
        )

    async def _spoken(self, pcm: bytes, speed: float) -> AsyncIterator[bytes]:
        total = len(pcm) / 2 / SAMPLE_RATE
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number, piece in enumerate(chunks(pcm, CHUNK_S)):
            due = begun + number * CHUNK_S / speed
            await asyncio.sleep(max(0.0, due - loop.time()))
            yield piece
            self._sent(min(total, (number + 1) * CHUNK_S), total)

    async def _listen(self) -> None:
        """Follow the transcript; a broken subscription is taken up again, as a browser does."""
        while True:
            try:
                async with self.doctor.watch(
                    doc.TRANSCRIPT, encounter=self.made.encounter_id
                ) as words:
                    async for segment in words:
                        self._hear(segment)
            except (GraphQLFailed, ConnectionClosed, OSError) as error:
                self._say(f"The live transcript was interrupted ({type(error).__name__})")
            await asyncio.sleep(RETRY_S)

    def _hear(self, segment: dict[str, Any]) -> None:
        if not segment["final"]:
            self.made.partials += 1
        elif segment["id"] in self._final:
            return  # a new subscription begins with everything that is final
        else:
            self._final.add(segment["id"])
            if segment["text"]:
                # one that was missed while the subscription was broken comes late
                insort(self.made.segments, segment, key=itemgetter("number"))
        self._heard(segment)

    async def _transcribed(self) -> None:
        async def heard() -> bool:
            found = await self.doctor.ask(doc.RECORDING, id=self.made.recording_id)
            return bool(found["recording"]["status"] == "TRANSCRIBED")

        await self._until(heard, "the recording was not heard to its end")

    async def _shown(self) -> None:
        """The last words come by way of the outbox: after the recording is known to be over."""

        async def shown() -> bool:
            found = await self.doctor.ask(doc.SAID, encounter=self.made.encounter_id)
            segments = found["encounter"]["transcript"]["segments"]
            return self._final.issuperset(segment["id"] for segment in segments)

        await self._until(shown, "what was heard was not shown to its end")

    async def write(self) -> None:
        """Draft, confirm or reject each medicine, edit, sign."""
        drafted = await self.doctor.change(doc.DRAFT, input={"encounterId": self.made.encounter_id})
        note = drafted["note"]
        self.made.note = note
        for section in note["sections"]:
            for sentence in section["sentences"][:2]:
                self._say(f"  {section['title'][:1]}: {sentence['text']}")
        negated = [e["label"] for e in note["entities"] if e["assertion"] == "NEGATED"]
        self._say(f"Draft with {len(note['entities'])} entities; negated: {', '.join(negated)}")
        note = {**note, **await self._decide_medicines(note)}
        sections = [
            {
                "code": section["code"],
                "sentences": [
                    {
                        "text": sentence["text"],
                        "segmentIds": sentence["segmentIds"],
                        "entityIds": sentence["entityIds"],
                    }
                    for sentence in section["sentences"]
                ],
            }
            for section in note["sections"]
        ]
        sections[-1]["sentences"].append({"text": "Review in one week, sooner if breathless."})
        edited = await self.doctor.change(
            doc.EDIT, id=note["id"], version=note["version"], sections=sections
        )
        signed = await self.doctor.change(
            doc.SIGN, id=note["id"], version=edited["note"]["version"]
        )
        self.made.note = {**note, **signed["note"]}
        self._say(f"Signed: {signed['note']['status']}, version 1")

    async def _decide_medicines(self, note: dict[str, Any]) -> dict[str, Any]:
        """Every name is a suggestion: this doctor knows a name that was heard, and doubts a guess."""
        decisions = [
            {
                "number": each["number"],
                "decision": "ACCEPTED"
                if each["clear"] or each["confidence"] >= 0.5
                else "REJECTED",
            }
            for each in note["suggestions"]
        ]
        if not decisions:
            return {}
        decided = await self.doctor.change(
            doc.DECIDE, id=note["id"], version=note["version"], decisions=decisions
        )
        for each, before in zip(decided["note"]["suggestions"], note["suggestions"], strict=True):
            heard = f"{each['heard']!r}, {before['confidence']:.0%} sure"
            self._say(f"  {each['medicine']} ({heard}): {each['decision'].lower()}")
        found: dict[str, Any] = decided["note"]
        return found

    async def order(self) -> None:
        """A laboratory order and a prescription leave from the outbox."""
        test = (await self.doctor.ask(doc.TESTS, text="complete blood count"))["labTests"]
        medicine = (await self.doctor.ask(doc.MEDICINES, text="azithromycin 500 mg"))["medicines"]
        where = {
            "patientId": self.made.patient["id"],
            "encounterId": self.made.encounter_id,
        }
        placed = await self.doctor.change(
            doc.ORDER,
            input={
                **where,
                "items": [{"code": test["edges"][0]["node"]["code"], "reason": "Fever"}],
                "clientKey": str(uuid4()),
            },
        )
        self.made.order = placed["orders"][0]
        self._say(f"Ordered {self.made.order['display']}")
        dosage = {
            "text": "1 tablet once a day for five days, after food",
            "dose": "1",
            "doseUnit": "tablet",
            "frequency": 1,
            "period": "1",
            "periodUnit": "d",
            "when": ["PCD"],
            "duration": "5",
            "durationUnit": "d",
        }
        prescribed = await self.doctor.change(
            doc.PRESCRIBE,
            input={
                **where,
                "medicines": [
                    {
                        "medicineId": medicine["edges"][0]["node"]["id"],
                        "dosages": [dosage],
                        "quantity": "5",
                        "quantityUnit": "tablet",
                    }
                ],
                "clientKey": str(uuid4()),
            },
        )
        self.made.prescription = prescribed["prescription"]
        self._say(f"Prescribed {self.made.prescription['items'][0]['medicine']}")

    async def receive(self) -> None:
        """The result comes back, and the patient's phone shows it."""

        async def final() -> bool:
            found = await self.doctor.ask(doc.ORDER_STATE, id=self.made.order["id"])
            self.made.order.update(found["serviceRequest"])
            return any(report["status"] == "FINAL" for report in self.made.order["reports"])

        await self._until(final, "no result came back from the laboratory")
        values = [
            f"{o['display']} {o['value']['value']} {o['value']['unit']}"
            for report in self.made.order["reports"]
            for o in report["observations"][:3]
            if o["value"]
        ]
        self._say(f"Result: {'; '.join(values)}")

        async def dispensed() -> bool:
            found = await self.doctor.ask(doc.PRESCRIPTION_STATE, id=self.made.prescription["id"])
            self.made.prescription["items"] = found["prescription"]["items"]
            return all(item["dispenses"] for item in self.made.prescription["items"])

        await self._until(dispensed, "the pharmacy did not dispense")
        self._say("The pharmacy dispensed the prescription")
        self.made.home = (await self.phone.run("Home"))["home"]
        shown = [report["display"] for report in self.made.home["newResults"]]
        self._say(f"Phone: new results {', '.join(shown)}")
        for due in self.made.home["medicinesDue"]:
            self._say(f"Phone: {due['line']}")

    async def ask_consent(self) -> None:
        """The doctor asks for outside records; the patient grants."""
        address = self.made.patient["abhaAddress"] or "patient@sbx"
        asked = await self.doctor.change(
            doc.CONSENT,
            input={
                "patientId": self.made.patient["id"],
                "encounterId": self.made.encounter_id,
                "abhaAddress": address,
                "hiTypes": ["PRESCRIPTION", "DIAGNOSTIC_REPORT", "OP_CONSULTATION"],
                "start": (datetime.now(UTC) - timedelta(days=3 * 365)).isoformat(),
                "clientKey": str(uuid4()),
            },
        )
        self.made.consent = asked["request"]

        async def decided() -> bool:
            found = await self.doctor.ask(doc.CONSENT_STATE, id=self.made.consent["id"])
            self.made.consent.update(found["consentRequest"])
            return bool(self.made.consent["state"] != "REQUESTED")

        await self._until(decided, "the consent request was not answered")
        states = " → ".join(step["state"].lower() for step in self.made.consent["history"])
        self._say(f"Consent for outside records: {states}")

    async def look_back(self) -> None:
        """One query across patients, encounters, notes, orders and consents."""
        found = await self.doctor.ask(doc.CONSULTATION, id=self.made.encounter_id)
        self.made.summary = found["encounter"]
        self._say("One query across five domains:")
        self._say(
            f"  {self.made.summary['patient']['name']}: "
            f"{len(self.made.summary['notes'])} note(s), "
            f"{len(self.made.summary['orders']['edges'])} order(s), "
            f"{len(self.made.summary['prescriptions']['edges'])} prescription(s)"
        )

    async def _until(self, done: Callable[[], Any], otherwise: str) -> None:
        deadline = asyncio.get_running_loop().time() + self._patience
        while not await done():
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(otherwise)
            await asyncio.sleep(0.25)


async def _arrival_seen(queue: AsyncIterator[Any], patient_id: str) -> dict[str, Any]:
    """The card of the patient, once the queue has them."""
    async for change in queue:
        for token in change["queue"]["waiting"]:
            if token["patient"]["id"] == patient_id:
                card: dict[str, Any] = token["patient"]["wardCard"]
                return card
    raise Failed("the tablet's queue ended before the patient was in it")


def _card(card: dict[str, Any]) -> str:
    alerts = ", ".join(alert["text"] for alert in card["alerts"])
    return f"{card['headline']}" + (f" · alerts: {alerts}" if alerts else "")
