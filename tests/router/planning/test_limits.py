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


def shareable_interfaces(levels: int, types: int, count: int) -> tuple[str, str]:
    """Levels of an interface that every subgraph can walk down, with fields of single ones."""
    implements = " ".join(f'@join__implements(graph: G{n}, interface: "N")' for n in range(count))
    sdl = f"{graphs(count)}type Query {everywhere(count)} {{ next: N }}\n"
    sdl += f"interface N {everywhere(count)} {{ id: ID! s: Int next: N }}\n"
    for number in range(types):
        own = f"x{number}: Int @join__field(graph: G{number % count})"
        sdl += f"type T{number} implements N {everywhere(count, 'id')} {implements} {{ "
        sdl += f"id: ID! s: Int next: N {own} }}\n"
    query = ""
    for level in reversed(range(levels)):
        one, two = level % types, (3 * level + 1) % types
        query = f"next{{s ... on T{one}{{x{one}}} ... on T{two}{{x{two}}} {query}}}"
    return sdl, f"{{{query}}}"


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
    plan = plan_within(1, sdl, query)
    assert plan.depth == 3
    # Types that are asked alike are not written out fifty times at each level.
    assert sum(len(fetch.operation) for fetch in plan.fetches) < 8_000


def test_fifty_implementations_in_thirty_subgraphs_are_planned() -> None:
    sdl, query = many_implementations(50, 30)
    assert plan_within(10, sdl, query).depth == 3


def test_ten_levels_of_fifty_implementations_in_thirty_subgraphs_are_asked_at_once() -> None:
    sdl, query = shareable_interfaces(10, 50, 30)
    plan = plan_within(3, sdl, query)
    assert (plan.depth, plan.optimal) == (1, True)


def test_an_operation_of_a_thousand_fields_is_planned() -> None:
    fields = " ".join(f"f{n}: Int @join__field(graph: G{n % 5})" for n in range(1000))
    sdl = f"{graphs(5)}type Query {everywhere(5)} {{ t: T }} type T {everywhere(5, 'id')} {{ id: ID! {fields} }}"
    plan = plan_within(6, sdl, f"{{t{{{' '.join(f'f{n}' for n in range(1000))}}}}}")
    assert (len(plan.fetches), plan.depth) == (5, 1)


def test_a_ladder_of_keys_is_climbed_step_by_step() -> None:
    count = 40
    sdl = f"{graphs(count)}type Query @join__type(graph: G0) {{ t: T }}\ntype T "
    for n in range(count):
        sdl += f'@join__type(graph: G{n}, key: "k{n}") @join__type(graph: G{n}, key: "k{n + 1}") '
    keys = " ".join(
        f"k{n}: ID " + " ".join(f"@join__field(graph: G{m})" for m in (n - 1, n) if 0 <= m < count)
        for n in range(count + 1)
    )
    sdl += f"{{ {keys} last: Int @join__field(graph: G{count - 1}) }}"
    assert plan_within(1, sdl, "{t{last}}").depth == count


def test_a_key_for_each_pair_of_subgraphs_is_no_product() -> None:
    count = 20
    pairs = [(one, two) for one in range(count) for two in range(one)]
    sdl = f"{graphs(count)}type Query {everywhere(count)} {{ t: T }}\ntype T "
    for one, two in pairs:
        sdl += " ".join(f'@join__type(graph: G{n}, key: "k{one}_{two}")' for n in (one, two)) + " "
    keys = " ".join(
        f"k{one}_{two}: ID @join__field(graph: G{one}) @join__field(graph: G{two})"
        for one, two in pairs
    )
    own = " ".join(f"f{n}: Int @join__field(graph: G{n})" for n in range(count))
    query = f"{{t{{{' '.join(f'f{n}' for n in range(count))}}}}}"
    plan = plan_within(2, f"{sdl}{{ {keys} {own} }}", query)
    assert (plan.depth, len(plan.fetches)) == (1, count)


def requiring(more: str) -> str:
    """A supergraph in which ``b`` of G1 requires ``r`` of G2, with one more field."""
    sdl = graphs(3).replace("external: Boolean", "requires: String, external: Boolean")
    return f"""{sdl}
    type Query @join__type(graph: G0) {{ t: T }}
    type T {everywhere(3, "id")} {{
      id: ID!
      {more}
      b: Int @join__field(graph: G1, requires: "r")
      r: Int @join__field(graph: G2) @join__field(graph: G1, external: true)
    }}"""


def test_fetches_that_wait_for_one_another_are_joined_at_a_thousand_aliases() -> None:
    count = 1_000
    sdl = requiring("a: Int @join__field(graph: G1)")
    plan = plan_within(6, sdl, f"{{{' '.join(f't{n}:t{{a b}}' for n in range(count))}}}")
    assert (plan.depth, len(plan.fetches)) == (3, 3)


@pytest.mark.parametrize(("below", "fetches"), [("b", 3), ("k { b }", 4)])
def test_conditions_inside_conditions_are_no_product_of_all_with_all(
    below: str, fetches: int
) -> None:
    levels, count = 3, 12
    sdl = requiring("k: T @join__field(graph: G1)")
    names = [[f"$v{level}_{n}" for n in range(count)] for level in range(levels)]
    query = f"query({' '.join(f'{name}: Boolean!' for level in names for name in level)}) {{ t {{ ...F0 }} }}"
    for level, own in enumerate(names):
        inner = f"...F{level + 1}" if level + 1 < levels else below
        fields = " ".join(f"... @include(if: {name}) {{ {inner} }}" for name in own)
        query += f" fragment F{level} on T {{ {fields} }}"
    plan = plan_within(10, sdl, query)
    assert len(plan.fetches) == fetches


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


def test_layers_of_requirements_are_no_product_of_their_paths() -> None:
    layers, owners = 30, {"a": 0, "b": 1}
    fields = ""
    for layer in range(layers):
        needs = f', requires: "a{layer - 1} b{layer - 1}"' if layer else ""
        for name, owner in owners.items():
            fields += f"{name}{layer}: Int @join__field(graph: G{owner}{needs}) "
            fields += (
                " ".join(
                    f"@join__field(graph: G{n}, external: true)" for n in range(3) if n != owner
                )
                + " "
            )
    sdl = graphs(3).replace("external: Boolean", "requires: String, external: Boolean")
    sdl += "type Query @join__type(graph: G2) { t: T }\n"
    sdl += f"type T {everywhere(3, 'id')} {{ id: ID! {fields} }}"
    plan = plan_within(2, sdl, f"{{t{{a{layers - 1} b{layers - 1}}}}}")
    assert (plan.depth, len(plan.fetches)) == (layers + 1, 2 * layers + 1)


def test_requirements_in_a_circle_end() -> None:
    with pytest.raises(NoPlan):
        plan_within(1, requirements(25, circular=True), "{t{f24}}")
