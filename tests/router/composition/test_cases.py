"""A folder per case: subgraphs, and what must come of them.

``cases/<name>/<subgraph>.graphql``, and in ``expected/``: ``supergraph.graphql`` (without the
definitions of join and link, which are the same everywhere) and ``hints.txt``, or ``errors.txt``.
Each line of hints is ``LEVEL CODE coordinate``, of errors ``CODE coordinates``; ``-`` is none.
What is expected was compared with the reference composer. To add a case, write the subgraphs
and an empty ``expected/errors.txt``: the failing test shows what came.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from router.composition.compose import Composition, compose
from router.composition.errors import ERROR_CODES, CompositionFailed
from router.composition.hints import HINT_CODES
from router.composition.sources import SubgraphSource

CASES = sorted((Path(__file__).parent / "cases").iterdir())
MACHINERY = re.compile(
    r"(?:directive @(?:join__|link\()|scalar (?:join__|link__)|input join__|enum link__)"
)


def read(case: Path) -> list[SubgraphSource]:
    return [
        SubgraphSource(file.stem, f"http://{file.stem}", file.read_text(encoding="utf-8"))
        for file in sorted(case.glob("*.graphql"))
    ]


def expected(case: Path, name: str) -> str | None:
    file = case / "expected" / name
    return file.read_text(encoding="utf-8") if file.exists() else None


def without_machinery(sdl: str) -> str:
    blocks = re.split(r"\n\n(?=\S)", sdl.strip())
    return "\n\n".join(block for block in blocks if not MACHINERY.match(block)) + "\n"


def hints_of(composition: Composition) -> str:
    lines = (f"{h.level.value} {h.code} {h.coordinate or '-'}\n" for h in composition.hints)
    return "".join(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_subgraphs_compose_as_expected_in_any_order(case: Path) -> None:
    sources = read(case)
    random.Random(case.name).shuffle(sources)
    wanted = expected(case, "errors.txt")
    if wanted is not None:
        with pytest.raises(CompositionFailed) as failure:
            compose(sources)
        told = [f"{e.code} {' '.join(e.coordinates) or '-'}" for e in failure.value.errors]
        # errors of single subgraphs come in the order in which subgraphs are given
        assert sorted(told) == sorted(wanted.splitlines())
        return
    composition = compose(sources)
    assert without_machinery(composition.supergraph_sdl) == expected(case, "supergraph.graphql")
    assert hints_of(composition) == (expected(case, "hints.txt") or "")


def codes(file_name: str, *, column: int) -> set[str]:
    return {
        line.split()[column]
        for case in CASES
        for line in (expected(case, file_name) or "").splitlines()
    }


def test_every_error_has_a_case() -> None:
    elsewhere = {
        "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",  # takes an option: test_satisfiability.py
        "UNSUPPORTED_LINKED_FEATURE",  # ours, not the reference's: test_links.py
    }
    assert codes("errors.txt", column=0) == set(ERROR_CODES) - elsewhere


def test_every_hint_has_a_case() -> None:
    assert codes("hints.txt", column=1) == set(HINT_CODES)
