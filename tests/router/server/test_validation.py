"""A document is validated within a budget: what costs too much is refused before it costs it."""

from __future__ import annotations

from typing import Any

import pytest

from router.settings import RequestLimits, Settings

REFUSED = {"code": "MAX_VALIDATION_WORK_LIMIT"}


async def ask(client: Any, query: str, **limits: int) -> dict[str, Any]:
    http = await client(settings=Settings(limits=RequestLimits(**limits)))
    answer: dict[str, Any] = (await http.post("/graphql", json={"query": query})).json()
    return answer


@pytest.mark.parametrize(
    "query",
    [
        "{ books { " + "id " * 2_000 + "} }",
        "{" + "books { id } " * 900 + "}",
    ],
)
async def test_fields_of_one_name_that_are_selected_very_often_are_refused(
    client: Any, query: str
) -> None:
    answer = await ask(client, query)
    assert [error["extensions"] for error in answer["errors"]] == [REFUSED]
    assert "Select each once" in answer["errors"][0]["message"]


async def test_fragments_that_share_fields_are_common_and_validated(client: Any) -> None:
    spreads = " ".join(f"...F{number}" for number in range(40))
    fragments = " ".join(
        f"fragment F{number} on Book {{ id title author }}" for number in range(40)
    )
    answer = await ask(client, f"{{ books {{ {spreads} }} }} {fragments}")
    assert "errors" not in answer


async def test_the_settings_say_how_much_is_too_much(client: Any) -> None:
    twice = "{ books { id id title title } }"
    assert "errors" not in await ask(client, twice, document_comparisons=2)
    answer = await ask(client, twice, document_comparisons=1)
    assert [error["extensions"] for error in answer["errors"]] == [REFUSED]
