"""Supergraphs that other composers wrote load, and plan like those that we compose.

``foreign_supergraphs/<case>/``: our own ``subgraphs``, the ``supergraphs`` that other composers
made of them (named by package and version; join spec 0.1 to 0.5, core and link), and
``operations.graphql``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse, print_ast, print_schema

from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from router.supergraph import Supergraph
from tests.router.planning.kit import lines, planned

CASES = sorted((Path(__file__).parent / "foreign_supergraphs").iterdir())
FOREIGN = [file for case in CASES for file in sorted((case / "supergraphs").iterdir())]


@lru_cache
def ours(case: Path) -> Supergraph:
    subgraphs = (
        SubgraphSource(file.stem, f"http://{file.stem}", file.read_text(encoding="utf-8"))
        for file in sorted((case / "subgraphs").iterdir())
    )
    return Supergraph.load(compose(subgraphs).supergraph_sdl)


@lru_cache
def our_plans(case: Path) -> dict[str, list[str]]:
    return {operation: lines(planned(ours(case), operation)) for operation in operations(case)}


def operations(case: Path) -> list[str]:
    document = parse((case / "operations.graphql").read_text(encoding="utf-8"))
    return [
        print_ast(node)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]


@pytest.mark.parametrize("file", FOREIGN, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_a_foreign_supergraph_plans_like_ours(file: Path) -> None:
    case = file.parent.parent
    foreign = Supergraph.load(file.read_text(encoding="utf-8"))
    assert set(foreign.subgraphs) == set(ours(case).subgraphs)
    for operation, plan in our_plans(case).items():
        assert plan
        assert lines(planned(foreign, operation)) == plan


@pytest.mark.parametrize("file", FOREIGN, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_a_foreign_supergraph_has_the_same_types_for_clients(file: Path) -> None:
    foreign = Supergraph.load(file.read_text(encoding="utf-8"))
    shown = print_schema(foreign.api_schema)
    assert not any(word in shown for word in ("join__", "core__", "link__", "@inaccessible"))
    expected = ours(file.parent.parent).api_schema
    theirs = {name: type(found) for name, found in foreign.api_schema.type_map.items()}
    assert theirs == {name: type(found) for name, found in expected.type_map.items()}


def test_every_join_version_is_among_them() -> None:
    texts = [file.read_text(encoding="utf-8") for file in FOREIGN]
    for minor in range(1, 6):
        assert any(f"specs.apollo.dev/join/v0.{minor}" in text for text in texts)
