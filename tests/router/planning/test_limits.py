"""Planning stays fast where many subgraphs can answer the same: no search explodes."""

from __future__ import annotations

import time

import pytest
from graphql import parse

from router.errors import NoPlan
from router.planning.plan import Plan
from router.planning.planner import Planner
from router.supergraph import Supergraph
from tests.router.planning.kit import check

HEAD = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__field(graph: join__Graph, external: Boolean) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT | INTERFACE
directive @link(url: String, for: String) repeatable on SCHEMA
"""


def graphs(count: int) -> str:
    values = " ".join(f'G{n} @join__graph(name: "g{n}", url: "http://g{n}")' for n in range(count))
    return f"{HEAD}\nenum join__Graph {{ {values} }}\n"


def everywhere(count: int, key: str = "") -> str:
    suffix = f', key: "{key}"' if key else ""
    return " ".join(f"@join__type(graph: G{n}{suffix})" for n in range(count))


def shareable_levels(levels: int, count: int, key: str) -> tuple[str, str]:
    """Every subgraph can walk down all levels; each level has fields of single subgraphs."""
    sdl = f"{graphs(count)}type Query {everywhere(count)} {{ next: L0 }}\n"
    query = ""
    own = " ".join(f"own{n}: Int @join__field(graph: G{n})" for n in range(count))
    for level in range(levels):
        deeper = f"next: L{level + 1}" if level + 1 < levels else ""
        sdl += f"type L{level} {everywhere(count, key)} {{ id: ID! s: Int {own} {deeper} }}\n"
    for level in reversed(range(levels)):
        query = f"next{{s own{level % count} own{(3 * level + 1) % count} {query}}}"
    return sdl, f"{{{query}}}"


def many_implementations(types: int, count: int) -> tuple[str, str]:
    """No subgraph resolves an interface field for all types: every level explodes."""
    sdl = f"{graphs(count)}type Query {everywhere(count)} {{ nodes: [N] }}\n"
    sdl += f"interface N {everywhere(count)} {{ id: ID! name: String child: N }}\n"
    implements = " ".join(f'@join__implements(graph: G{n}, interface: "N")' for n in range(count))
    for number in range(types):
        owner = number % count
        owned = " ".join(
            f"@join__field(graph: G{n}{'' if n == owner else ', external: true'})"
            for n in range(count)
        )
        sdl += f"type T{number} implements N {everywhere(count, 'id')} {implements} {{ "
        sdl += f"id: ID! name: String {owned} child: N {owned} "
        sdl += f"x{number}: Int @join__field(graph: G{(number + 1) % count}) }}\n"
    fragments = " ".join(f"... on T{n}{{x{n}}}" for n in range(0, types, 2))
    return sdl, f"{{nodes{{id name {fragments} child{{name}}}}}}"


def plan_within(seconds: float, sdl: str, query: str) -> Plan:
    graph = Supergraph.load(sdl)
    planner = Planner(graph)
    started = time.process_time()
    plan = planner.plan(parse(query))
    assert time.process_time() - started < seconds
    if max(len(fetch.operation) for fetch in plan.fetches) < 10_000:
        check(graph, plan)  # graphql-core gives up comparing the fields of larger operations
    return plan


@pytest.mark.parametrize(("levels", "count"), [(10, 8), (10, 30), (20, 4)])
def test_levels_of_shareable_entities_are_asked_at_once(levels: int, count: int) -> None:
    sdl, query = shareable_levels(levels, count, "id")
    assert plan_within(3, sdl, query).depth == 1


def test_levels_of_shareable_value_types_are_asked_at_once() -> None:
    sdl, query = shareable_levels(10, 8, "")
    plan = plan_within(1, sdl, query)
    assert (plan.depth, plan.optimal) == (1, True)


def test_fifty_implementations_do_not_multiply_with_depth() -> None:
    sdl, query = many_implementations(50, 3)
    plan = plan_within(3, sdl, query)
    assert plan.depth == 3


def test_an_operation_of_a_thousand_fields_is_planned() -> None:
    fields = " ".join(f"f{n}: Int @join__field(graph: G{n % 5})" for n in range(1000))
    sdl = f"{graphs(5)}type Query {everywhere(5)} {{ t: T }} type T {everywhere(5, 'id')} {{ id: ID! {fields} }}"
    plan = plan_within(3, sdl, f"{{t{{{' '.join(f'f{n}' for n in range(1000))}}}}}")
    assert (len(plan.fetches), plan.depth) == (5, 1)


def requirements(count: int, *, circular: bool) -> str:
    """A field in each subgraph that requires those of all others, or of all before it."""
    last = f"G{count}"
    fields = f"base: Int @join__field(graph: {last})"
    fields += "".join(f" @join__field(graph: G{n}, external: true)" for n in range(count))
    for number in range(count):
        others = [f"f{n}" for n in range(count) if (n != number if circular else n < number)]
        fields += f' f{number}: Int @join__field(graph: G{number}, requires: "{" ".join(others) or "base"}")'
        fields += "".join(
            f" @join__field(graph: G{n}, external: true)" for n in range(count) if n != number
        )
    sdl = graphs(count + 1).replace("external: Boolean", "requires: String, external: Boolean")
    sdl += f"type Query @join__type(graph: {last}) {{ t: T }}\n"
    return f"{sdl}type T {everywhere(count + 1, 'id')} {{ id: ID! {fields} }}"


def test_requirements_that_share_requirements_are_each_met_once() -> None:
    plan = plan_within(1, requirements(25, circular=False), "{t{f24}}")
    assert (len(plan.fetches), plan.depth) == (26, 26)


def test_requirements_in_a_circle_end() -> None:
    with pytest.raises(NoPlan):
        plan_within(1, requirements(25, circular=True), "{t{f24}}")
