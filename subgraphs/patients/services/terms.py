"""What a patient can be found by, and how well a search fits: typo-tolerant on both databases.

    tri     trigrams of names and hospital numbers     "  su" "sun" "uni" …
    sound   metaphone of each Latin name               "SNT"  (Sunita, Sunitha, Soneeta)
    digits  runs of four digits of phones and numbers  "9876" "8765" …
    exact   MRN, ABHA number and address, phone, whole

Candidates share terms with the search text (one indexed query); their order is decided by
:func:`score` on the whole name or number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import jellyfish
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from drassist.clinical import InvalidValue, normalise_phone

__all__ = ["Found", "Wanted", "folded", "score", "terms_of", "wanted"]


class Found(Enum):
    """What fitted."""

    NAME = "NAME"
    PHONE = "PHONE"
    MRN = "MRN"
    ABHA = "ABHA"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search text, read in every way that makes sense."""

    text: str
    name: str
    number: str
    terms: frozenset[tuple[str, str]]


def folded(text: str) -> str:
    """Lower case without accents, titles' dots and punctuation; letters of any script stay."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c) or ord(c) > 0x0900)
    return re.sub(r"[^\w\u0900-\u0dff]+", " ", kept).strip()


def terms_of(patient: Any) -> set[tuple[str, str]]:
    """All (kind, term) pairs of a patient row."""
    terms: set[tuple[str, str]] = set()
    for name in {patient.name, *(n["text"] for n in patient.names)}:
        terms |= set(_name_terms(folded(name)))
    terms |= {("tri", t) for t in _trigrams(folded(patient.mrn))}
    terms.add(("exact", patient.mrn.casefold()))
    if patient.abha_number:
        terms |= {("exact", patient.abha_number), *_digit_terms(patient.abha_number)}
    if patient.abha_address:
        address = patient.abha_address
        terms |= {("exact", address), *(("tri", t) for t in _trigrams(address.partition("@")[0]))}
    for phone in phones(patient):
        terms |= {("exact", phone), *_digit_terms(re.sub(r"\D", "", phone)[-10:])}
    for identifier in patient.identifiers:
        terms.add(("exact", str(identifier["value"]).casefold()[:80]))
    return terms


def phones(patient: Any) -> list[str]:
    return [c["value"] for c in patient.contacts if c["system"] in ("phone", "sms")]


def wanted(text: str) -> Wanted:
    """Read a search text; raises ``InvalidValue`` when there is nothing to search for."""
    plain = folded(text)[:200]
    number = re.sub(r"\D", "", text) if not re.search(r"[^\W\d]", text) else ""
    terms: set[tuple[str, str]] = {("exact", re.sub(r"\s+", "", text).casefold()[:80])}
    if number:
        terms |= {("exact", number[:80]), *_digit_terms(number)}
        with suppress(InvalidValue):
            terms.add(("exact", normalise_phone(text)))
    else:
        terms |= set(_name_terms(plain.partition("@")[0] if "@" in text else plain))
    terms |= {("tri", t) for t in _trigrams(plain)}
    if len(plain.replace(" ", "")) < 2:
        raise InvalidValue("A search needs at least two letters or digits", "text")
    return Wanted(text.strip(), plain, number, frozenset(sorted(terms)[:400]))


def score(search: Wanted, patient: Any) -> tuple[float, Found] | None:
    """How well the patient fits, 0 to 100, and by what; None when it does not."""
    options = [option for option in _scores(search, patient) if option[0] >= _ENOUGH]
    return max(options, key=lambda option: option[0], default=None)


_ENOUGH = 62.0


def _scores(search: Wanted, patient: Any) -> Iterator[tuple[float, Found]]:
    squeezed = re.sub(r"\s+", "", search.text).casefold()
    mrn = patient.mrn.casefold()
    if squeezed == mrn:
        yield 100.0, Found.MRN
    elif len(squeezed) >= 4 and OSA.distance(squeezed, mrn, score_cutoff=2) <= 1:
        yield 85.0, Found.MRN
    if patient.abha_address and squeezed == patient.abha_address:
        yield 100.0, Found.ABHA
    if any(str(i["value"]).casefold() == squeezed for i in patient.identifiers):
        yield 98.0, Found.MRN
    if search.number:
        yield from _number_scores(search.number, patient)
        return
    names = {patient.name, *(n["text"] for n in patient.names)}
    yield max(_name_score(search.name, folded(name)) for name in names), Found.NAME


def _number_scores(number: str, patient: Any) -> Iterator[tuple[float, Found]]:
    if patient.abha_number:
        if patient.abha_number == number:
            yield 100.0, Found.ABHA
        elif len(number) >= 12:
            wrong = OSA.distance(number, patient.abha_number, score_cutoff=3)
            yield 96.0 - 10 * wrong if wrong <= 2 else 0.0, Found.ABHA
    for phone in phones(patient):
        digits = re.sub(r"\D", "", phone)
        if digits[-10:] == number[-10:] and len(number) >= 10:
            yield 100.0, Found.PHONE
        elif len(number) >= 4 and digits.endswith(number):
            yield 90.0, Found.PHONE
        elif len(number) >= 4 and number in digits:
            yield 80.0, Found.PHONE
        elif len(number) >= 9:
            wrong = OSA.distance(number[-10:], digits[-10:], score_cutoff=3)
            yield 92.0 - 10 * wrong if wrong <= 2 else 0.0, Found.PHONE


def _name_score(search: str, name: str) -> float:
    """Words in any order, some missing or misspelt; names that sound alike are nearly equal."""
    spelt = max(fuzz.token_sort_ratio(search, name), 0.97 * _word_by_word(search, name))
    heard = set(_sounds(search))
    if heard and heard <= set(_sounds(name)):
        return max(float(spelt), 88.0)
    return float(spelt)


def _word_by_word(search: str, name: str) -> float:
    """The mean over the words searched of the best fitting word of the name; prefixes count."""
    words = name.split()
    if not words:
        return 0.0
    best = [
        max(
            96.0 if len(asked) >= 2 and word.startswith(asked) else fuzz.ratio(asked, word)
            for word in words
        )
        for asked in search.split()
    ]
    return sum(best) / len(best) if best else 0.0


def _name_terms(name: str) -> Iterator[tuple[str, str]]:
    for trigram in _trigrams(name):
        yield "tri", trigram
    for sound in _sounds(name):
        yield "sound", sound


def _sounds(name: str) -> Iterator[str]:
    for word in name.split():
        if len(word) > 2 and word.isascii() and word.isalpha() and (s := jellyfish.metaphone(word)):
            yield s[:16]


def _trigrams(text: str) -> set[str]:
    found: set[str] = set()
    for word in text.split()[:12]:
        padded = f"  {word[:40]} "
        found |= {padded[i : i + 3] for i in range(len(padded) - 2)}
    return found


def _digit_terms(number: str) -> Iterator[tuple[str, str]]:
    for start in range(len(number) - 3):
        yield "digits", number[start : start + 4]
