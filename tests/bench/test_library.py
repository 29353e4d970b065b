"""The benchmark's graph gives the answer that its data gives without any router."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_schema, graphql_sync, parse

from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from router.execution import ExecutionOptions, compile_operation
from router.planning.planner import Planner
from router.supergraph import Supergraph
from router.transport import InProcessClient
from tests.bench.library import _RESOLVERS, QUERY, SDL, SMALL_QUERY, executable

WHOLE = """
type Query { readers: [Reader] shelf(first: Int = 6): [Book] }
type Reader { id: ID! name: String handle: String opinions: [Opinion] }
type Book { isbn: String! title: String price: Int pages: Int lendable: Boolean postage: Int
  opinions: [Opinion] }
type Opinion { id: ID! text: String book: Book writer: Reader }
"""


@pytest.mark.parametrize("query", [QUERY, SMALL_QUERY])
@pytest.mark.parametrize("generated", [True, False])
async def test_the_federated_answer_is_the_whole_one(query: str, generated: bool) -> None:
    supergraph = Supergraph.load(
        compose([SubgraphSource(name, "http://x", sdl) for name, sdl in SDL.items()]).supergraph_sdl
    )
    document = parse(query)
    plan = Planner(supergraph).plan(document)
    compiled = compile_operation(
        plan,
        document,
        None,
        supergraph.api_schema,
        supergraph,
        options=ExecutionOptions(generated=generated),
    )
    clients = {name: InProcessClient.from_graphql(executable(name)) for name in SDL}
    answer = await compiled.execute({}, clients)
    assert not answer.errors
    assert answer.data == expected(query)
    assert len(plan.fetches) == (6 if query is QUERY else 1)


def expected(query: str) -> Any:
    schema: Any = build_schema(WHOLE)
    for kind, fields in _RESOLVERS.items():
        for name, resolve in fields.items():
            if name in schema.type_map[kind].fields:
                schema.type_map[kind].fields[name].resolve = resolve
    result = graphql_sync(schema, query)
    assert not result.errors
    return result.data
