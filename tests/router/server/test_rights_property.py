"""Whatever is denied: the answer is the full answer with null where rights are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ariadne import QueryType
from ariadne.contrib.federation import make_federated_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router import Identity, Router
from tests.router.asgi import http_to

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@requiresScopes", "@authenticated"])
type Query { root: Node  guarded: Node @requiresScopes(scopes: [["root"]]) any: Thing things: [Thing!] }
interface Thing { id: ID label: String }
type Node implements Thing {
  id: ID
  label: String @requiresScopes(scopes: [["label"]])
  a: Int @requiresScopes(scopes: [["a"]])
  b: Int @requiresScopes(scopes: [["b", "c"], ["d"]])
  open: Int
  child: Node
  kids: [Node]
  safe: Safe
}
type Safe @requiresScopes(scopes: [["safe"]]) { code: Int }
"""
SCOPES = ["root", "label", "a", "b", "c", "d", "safe"]
NEEDS: dict[str, list[set[str]]] = {
    "guarded": [{"root"}],
    "label": [{"label"}],
    "a": [{"a"}],
    "b": [{"b", "c"}, {"d"}],
    "safe": [{"safe"}],
    "code": [{"safe"}],
}
LEAVES = ["id", "a", "b", "open", "label"]


def nodes(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"__typename": "Node", "id": str(depth), "label": "L", "a": 1, "b": 2}
    node |= {"open": 3, "safe": {"code": 4}, "child": None, "kids": []}
    if depth:
        node |= {"child": nodes(depth - 1), "kids": [nodes(depth - 1), None, nodes(0)]}
    return node


def schema() -> Any:
    query = QueryType()
    for name in ("root", "guarded", "any"):
        query.set_field(name, lambda *_: nodes(3))
    query.set_field("things", lambda *_: [nodes(1), nodes(0)])
    return make_federated_schema(SDL, [query])


def selections(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(LEAVES)
    if depth == 0:
        return st.lists(leaf, min_size=1, max_size=3, unique=True).map(" ".join)
    inner = selections(depth - 1)
    item = st.one_of(
        leaf,
        inner.map(lambda text: f"child {{ {text} }}"),
        inner.map(lambda text: f"kids {{ {text} }}"),
        inner.map(lambda text: f"... on Node {{ child {{ {text} }} }}"),
        inner.map(lambda text: f"... {{ kids {{ {text} }} }}"),
        st.just("safe { code }"),
        st.just("x: a"),
        st.just("...F"),
    )
    return st.lists(item, min_size=1, max_size=3).map(" ".join)


def operations() -> st.SearchStrategy[str]:
    node = selections(2)
    root = st.one_of(
        node.map(lambda text: f"root {{ {text} }}"),
        node.map(lambda text: f"guarded {{ {text} }}"),
        node.map(lambda text: f"any {{ id ... on Node {{ {text} }} }}"),
        node.map(lambda text: f"things {{ label ... on Node {{ {text} }} }}"),
    )
    operation = st.lists(root, min_size=1, max_size=2, unique_by=lambda text: text.split()[0])
    return st.tuples(operation, selections(0)).map(
        lambda parts: (
            f"{{ {' '.join(parts[0])} }} fragment F on Node {{ {parts[1]} }}"
            if "...F" in " ".join(parts[0])
            else f"{{ {' '.join(parts[0])} }}"
        )
    )


def cut(value: Any, scopes: frozenset[str]) -> Any:
    """What is left of an answer: the oracle, by field name alone."""
    if isinstance(value, list):
        return [cut(item, scopes) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _field(key, inner, scopes) for key, inner in value.items()}


def _field(key: str, value: Any, scopes: frozenset[str]) -> Any:
    alternatives = NEEDS.get({"x": "a"}.get(key, key))
    if alternatives is not None and not any(names <= scopes for names in alternatives):
        return None
    return cut(value, scopes)


async def authenticate(headers: Mapping[str, str]) -> Identity:
    return Identity(subject="asha", scopes=frozenset(headers.get("x-scopes", "").split()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(query=operations(), scopes=st.frozensets(st.sampled_from(SCOPES)))
def test_a_denied_answer_is_the_full_one_with_nulls(query: str, scopes: frozenset[str]) -> None:
    asyncio.run(_compare(query, scopes))


ROUTER = Router.from_subgraphs({"nodes": schema()}, authenticate=authenticate)


async def _compare(query: str, scopes: frozenset[str]) -> None:
    async with http_to(ROUTER) as http:

        async def ask(granted: frozenset[str]) -> Any:
            headers = {"x-scopes": " ".join(granted)}
            return (await http.post("/graphql", json={"query": query}, headers=headers)).json()

        full = await ask(frozenset(SCOPES))
        assert "errors" not in full, full
        partial = await ask(scopes)
    expected = cut(full["data"], scopes)
    assert partial["data"] == expected
    told = [tuple(error["path"]) for error in partial.get("errors", ())]
    assert len(told) == len(set(told))
    assert set(told) == set(_places(full["data"], scopes, ()))


def _places(value: Any, scopes: frozenset[str], before: tuple[str | int, ...]) -> Any:
    """Where in the full answer something is that the caller must not see."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, scopes, (*before, index))
    elif isinstance(value, dict):
        for key, inner in value.items():
            alternatives = NEEDS.get({"x": "a"}.get(key, key))
            if alternatives is not None and not any(names <= scopes for names in alternatives):
                yield (*before, key)
            else:
                yield from _places(inner, scopes, (*before, key))
