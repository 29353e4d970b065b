"""Search in the code tables: what can be ordered, what can be prescribed.

Typing must not need to be right: names, aliases, brands and codes are matched by their beginning
first, then by words, then by likeness ("paracetemol" finds paracetamol).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeVar

from rapidfuzz import fuzz, utils

from drassist.codes import LabTest, Medicine, lab_tests, medicines

__all__ = ["find_medicines", "find_tests"]

_T = TypeVar("_T")
_LIKE_ENOUGH = 72


def find_tests(text: str, category: str | None = None) -> list[LabTest]:
    """Return tests by likeness; all of them, panels first, for an empty text."""
    tests = [t for t in lab_tests().values() if category is None or t.category == category]
    return _find(text, [(test, (test.name, *test.aliases, test.code)) for test in tests])


def find_medicines(text: str) -> list[Medicine]:
    """Return medicines by likeness; all of them, by name, for an empty text."""
    return _find(text, _medicine_names())


@cache
def _medicine_names() -> Sequence[tuple[Medicine, tuple[str, ...]]]:
    return [(m, (m.name, m.generic, *m.brands)) for m in medicines().values()]


def _find(text: str, named: Iterable[tuple[_T, tuple[str, ...]]]) -> list[_T]:
    wanted = utils.default_process(text)[:80]
    if not wanted:
        return [item for item, _ in named]
    scored = [
        (max(_likeness(wanted, utils.default_process(name)) for name in names), item)
        for item, names in named
    ]
    fitting = [(score, item) for score, item in scored if score > 0]
    return [item for _, item in sorted(fitting, key=lambda pair: -pair[0])]


def _likeness(wanted: str, name: str) -> float:
    if name == wanted:
        return 200
    if name.startswith(wanted):
        return 150
    if any(word.startswith(wanted) for word in name.split()):
        return 120
    words = [fuzz.ratio(wanted, word) for word in name.split()]
    score = max(fuzz.token_set_ratio(wanted, name), *words, 0)
    # among names with a word that is alike, the one that is alike as a whole comes first
    return score * 0.7 + fuzz.ratio(wanted, name) * 0.3 if score >= _LIKE_ENOUGH else 0.0
