"""The words that are looked for: problems with ICD-10 (WHO), tests with LOINC, medicines.

Problems are this package's ``problems.csv`` (codes of common outpatient problems, with the words
that patients use for them); tests and medicines are ``drassist.codes``, to which
``medicine_words.csv`` and the table below add what people say for them. The usual name of a
medicine is its generic; which product is meant is for the prescriber to pick, by product and
never by the beginning of a name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from drassist.codes import lab_tests, medicines
from drassist.language.document import Code, Kind
from drassist.language.phrases import PhraseTable, tokens

__all__ = ["Term", "catalogue_names", "medicine_named", "terms"]

ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
LOINC: Final = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that can be named; ``ambiguous`` words count only with a dose beside them."""

    kind: Kind
    label: str
    code: Code | None = None
    ambiguous: bool = False


@cache
def terms() -> PhraseTable[Term]:
    """Everything that can be named; a problem wins over a test of the same words."""
    return PhraseTable((*_problems(), *_medicines(), *_tests()))


@cache
def catalogue_names() -> dict[str, str]:
    """Generics and brands that can be prescribed here (lower case), with the usual name."""
    names: dict[str, str] = {}
    for medicine in medicines().values():
        for name in (medicine.generic, *medicine.brands):
            if "+" not in name and name.lower() not in _AMBIGUOUS:
                names[re.sub(r"\s+[\d.]+$", "", name.lower())] = medicine.generic
    return names


def medicine_named(text: str) -> str | None:
    """The first medicine that ``text`` names, by its usual name."""
    found = terms().find(tokens(text.lower()))
    return next((match.value.label for match in found if match.value.kind == "medicine"), None)


def _problems() -> Iterator[tuple[str, Term]]:
    for row in _rows("problems.csv"):
        code = Code(ICD10, row["icd10"], row["label"]) if row["icd10"] else None
        term = Term("problem", row["label"], code)
        yield from ((words, term) for words in row["words"].split("|"))


# brands that are also names or words of every day, and beginnings that several products share
_AMBIGUOUS: Final = frozenset(
    {"alex", "candid", "o2", "bandy", "mox", "aten", "warf", "zinc", "ors"}
)
_SHORTEST: Final = 3
_SALT: Final = re.compile(r" (?:succinate|axetil|sr|xl|xr|30/70|ls)$", re.IGNORECASE)


def _medicines() -> Iterator[tuple[str, Term]]:
    for row in _rows("medicine_words.csv"):
        term = Term("medicine", row["medicine"])
        yield row["medicine"], term
        yield from ((words, term) for words in row["words"].split("|"))
    for medicine in medicines().values():
        term = Term("medicine", medicine.generic)
        unsure = Term("medicine", medicine.generic, ambiguous=True)
        for name in (medicine.generic, *medicine.brands):
            yield name, unsure if name.lower() in _AMBIGUOUS else term
            # "Dolo 650" is called dolo, "Metoprolol succinate" metoprolol
            short = _SALT.sub("", re.sub(r"\s+[\d.]+$", "", name))
            if short != name and len(short) > _SHORTEST:
                yield short, term


_SPOKEN: Final = {
    "58410-2": "blood count|complete blood count|cbc|full blood count|blood counts",
    "51990-0": "basic metabolic panel|metabolic panel|bmp",
    "24331-1": "lipid panel|lipid profile|cholesterol test|cholesterol panel|lipids",
    "24325-3": "liver function test|liver function|lft|liver panel|hepatic panel",
    "24362-6": "renal function|kidney function|kidney function test|renal panel|kft|rft",
    "24356-8": "urine test|urine routine|urinalysis|urine dip|urine dipstick|urine sample|ua",
    "4548-4": "hba1c|hemoglobin a1c|haemoglobin a1c|a1c|hb a1c",
    "1558-6": "fasting sugar|fasting blood sugar|fasting glucose|fasting blood glucose",
    "2345-7": "random sugar|random blood sugar|blood glucose",
    "718-7": "hemoglobin level|haemoglobin level|hemoglobin|haemoglobin",
    "3016-3": "tsh|thyroid test|thyroid function test|thyroid function|thyroid panel|thyroid levels",
    "62292-8": "vitamin d level|vitamin d test",
    "2132-9": "vitamin b12|b12 level|b12",
    "36643-5": "chest x-ray|chest xray|x-ray of chest|cxr|xray of chest",
    "24558-9": "abdominal ultrasound|ultrasound of abdomen|ultrasound abdomen|usg abdomen|stomach ultrasound",
    "24590-2": "mri of brain|brain mri|mri brain|mri of head|head mri",
    "24725-4": "ct of head|head ct|ct head|ct scan of head|ct brain",
    "24627-2": "ct of chest|chest ct|ct chest|ct scan of chest",
    "2106-3": "pregnancy test|hcg|beta hcg",
    "32700-7": "malaria smear|malaria test|malaria parasite|mp smear",
    "75377-2": "dengue test|dengue ns1|ns1",
    "630-4": "urine culture",
    "600-7": "blood culture",
    "10839-9": "troponin|troponins|cardiac enzymes",
    "33762-6": "bnp|nt-probnp|pro bnp",
    "48065-7": "d-dimer|d dimer",
    "1988-5": "crp|c-reactive protein",
    "4537-7": "esr|sed rate|sedimentation rate",
}
_OTHER_TESTS: Final = """x-ray|xray|ultrasound|ct scan|ct|mri|ecg|ekg|electrocardiogram|echo|echocardiogram|
    colonoscopy|endoscopy|mammogram|stress test|spirometry|pulmonary function test|biopsy|blood test|blood work|
    stool test|stool sample|stool culture|throat swab|throat culture|sputum culture|autoimmune panel|
    nerve conduction study|emg|bone density scan|dexa scan|pap smear|covid test|strep test|rapid strep test|psa"""
# aliases that are also words for a problem or part of every talk
_NOT_TESTS: Final = frozenset({"dengue", "malaria", "iron", "blood sugar", "lipase", "urea"})


def _tests() -> Iterator[tuple[str, Term]]:
    for code, test in lab_tests().items():
        term = Term("test", test.name, Code(LOINC, code, test.name))
        for words in (*_SPOKEN.get(code, "").split("|"), test.name, *test.aliases):
            if len(words) >= _SHORTEST and words.lower() not in _NOT_TESTS:
                yield words, term
    sugar = lab_tests().get("2345-7")
    if sugar is not None:
        yield "blood sugar", Term("test", sugar.name, Code(LOINC, sugar.code, sugar.name))
    for words in _OTHER_TESTS.split("|"):
        name = " ".join(words.split())
        yield name, Term("test", name)


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
