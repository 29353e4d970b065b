"""The figures of docs/language.md.

    python tests/drassist/language/measure.py            # speed and counts on real transcripts
    python tests/drassist/language/measure.py SEED 60    # a sample of assertions to judge by eye

Real transcripts are in ``$DRASSIST_TEST_DATA/consultations`` (default ``../shared/data``).
"""

import csv
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from drassist.language import Context, RulesEngine, Utterance

DATA = (
    Path(__file__).parents[3]
    / os.environ.get("DRASSIST_TEST_DATA", "../shared/data")
    / "consultations"
)


def primock() -> Iterator[tuple[Utterance, ...]]:
    for doctor in sorted((DATA / "primock57/transcripts").glob("*_doctor.TextGrid")):
        turns = []
        for speaker in ("doctor", "patient"):
            text = doctor.with_name(doctor.name.replace("doctor", speaker)).read_text("utf-8")
            for start, said in re.findall(r'xmin = ([\d.]+)\s+xmax = .*\s+text = "(.*?)"', text):
                if said:
                    turns.append((float(start), speaker, re.sub(r"<[^>]*>", "", said)))
        yield tuple(
            Utterance(f"u{n}", said, speaker)  # type: ignore[arg-type]
            for n, (_, speaker, said) in enumerate(sorted(turns))
        )


def aci_bench() -> Iterator[tuple[Utterance, ...]]:
    with (DATA / "aci-bench/valid.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            turns = re.findall(r"\[(doctor|patient)\] (.*)", row["dialogue"])
            yield tuple(Utterance(f"u{n}", said, who) for n, (who, said) in enumerate(turns))


def measure(name: str, dialogues: list[tuple[Utterance, ...]]) -> None:
    engine = RulesEngine()
    engine.analyze((Utterance("warm", "fever"),), Context())
    words = sum(len(u.text.split()) for said in dialogues for u in said)
    began = time.process_time()
    documents = [engine.analyze(said, Context()) for said in dialogues]
    spent = time.process_time() - began
    print(f"{name}: {len(dialogues)} dialogues, {words} words")
    print(f"  {spent / words * 1e6:.1f} ms of CPU per 1,000 words")
    print(f"  {sum(len(d.entities) for d in documents)} entities", end=", ")
    print(f"{sum(len(d.medications) for d in documents)} medications", end=", ")
    print(
        f"{[(s.heard, s.medicine) for d in documents for s in d.suggestions if not s.clear]} suggested"
    )


def sample(seed: int, count: int) -> None:
    found = []
    for said in (*primock(), *aci_bench()):
        places = {utterance.id: n for n, utterance in enumerate(said)}
        for entity in RulesEngine().analyze(said, Context()).entities:
            if entity.kind in ("problem", "medicine", "allergy"):
                at = places[entity.utterance_id]
                text = said[at].text
                around = f"{text[max(0, entity.start - 70) : entity.start]}[{entity.text}]"
                around += text[entity.end : entity.end + 45]
                then = said[at + 1].text[:40] if at + 1 < len(said) else ""
                found.append((entity.assertion, entity.label, said[at].speaker, around, then))
    for each in random.Random(seed).sample(found, count):
        print(*each, sep=" | ")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sample(int(sys.argv[1]), int(sys.argv[2]))
    else:
        measure("PriMock57", list(primock()))
        measure("ACI-Bench", list(aci_bench()))
