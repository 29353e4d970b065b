"""Every code of the catalogues has a case, and what raises it knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.composition.errors import ERROR_CODES, CompositionError, CompositionFailed
from router.composition.hints import HINT_CODES

HERE = Path(__file__)
CASES = "\n".join(
    file.read_text()
    for file in HERE.parent.rglob("*")
    if file.is_file() and file.suffix != ".pyc" and file != HERE
)


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_error_code_has_a_case(code: str) -> None:
    assert code in CASES


@pytest.mark.parametrize("code", HINT_CODES)
def test_every_hint_code_has_a_case(code: str) -> None:
    assert code in CASES


def test_a_code_that_is_not_in_the_catalogue_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="catalogue"):
        CompositionError("NO_SUCH_CODE", "what?")


def test_an_error_says_where_and_the_failure_says_everything() -> None:
    error = CompositionError.in_subgraph("a", "NO_QUERIES", "nothing to ask", "Query")
    assert error.to_json() == {
        "code": "NO_QUERIES",
        "message": "[a] nothing to ask",
        "subgraphs": ["a"],
        "coordinates": ["Query"],
    }
    failed = CompositionFailed([error, CompositionError("INVALID_GRAPHQL", "no")])
    assert failed.error_code == "COMPOSITION_FAILED"
    assert "NO_QUERIES: [a] nothing to ask\nINVALID_GRAPHQL: no" in str(failed)
