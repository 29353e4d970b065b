"""The executor's answer equals graphql-core's over the same data, for any operation and data.

Data may have nulls where none may be, so propagation is compared too. The same data is also cut
into two overlapping answers (as two subgraphs would give it) and must come out the same.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    NameNode,
    SelectionSetNode,
    build_schema,
    execute_sync,
    parse,
    print_ast,
    validate,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.execution import SubgraphAnswer, SubgraphRequest, compile_operation
from router.planning.plan import Fetch, OperationKind, Plan
from tests.router.execution.scripted import Graph
from tests.router.execution.wired import FORMS, wired

SCHEMA = build_schema(
    """
    enum E { A B }
    interface N { id: ID! name: String kids: [N] best: N }
    type P implements N { id: ID! name: String kids: [N] best: N must: P! p: Int! tags: [String!] u: U }
    type Q implements N { id: ID! name: String kids: [N] best: N q: Float e: E! grid: [[Int!]] us: [U!] }
    type R { r: Boolean back: N! }
    union U = P | R
    type Query { one: N many: [N!] must: P! u: U r: R text: String }
    """
)
COMPOSITE = {
    "kids": ("N", 1), "best": ("N", 0), "must": ("P", 0), "u": ("U", 0), "us": ("U", 1),
    "back": ("N", 0), "one": ("N", 0), "many": ("N", 1), "r": ("R", 0),
}  # fmt: skip
FIELDS = {
    "Query": ["one", "many", "must", "u", "r", "text"],
    "N": ["id", "name", "kids", "best"],
    "P": ["id", "name", "kids", "best", "must", "p", "tags", "u"],
    "Q": ["id", "name", "kids", "best", "q", "e", "grid", "us"],
    "R": ["r_", "back"],
    "U": [],
}
FITTING = {"Query": [], "N": ["N", "P", "Q"], "P": ["P", "N"], "Q": ["Q", "N"],
           "R": ["R", "U"], "U": ["U", "P", "R", "N"]}  # fmt: skip
POSSIBLE = {"N": ["P", "Q"], "U": ["P", "R"], "P": ["P"], "R": ["R"], "Q": ["Q"]}
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["1", "2"]),
    "name": st.text('ab\u00e9"', max_size=3),
    "p": st.integers(-3, 3),
    "tags": st.lists(st.sampled_from(["x", "y"]), max_size=2),
    "q": st.floats(-2, 2).map(lambda x: round(x, 2)),
    "e": st.sampled_from(["A", "B"]),
    "grid": st.lists(st.none() | st.lists(st.integers(0, 2), max_size=2), max_size=2),
    "r_": st.booleans(),
    "text": st.just("t"),
}
NULLS = st.sampled_from([False] * 9 + [True])


@st.composite
def objects(draw: st.DrawFn, kind: str, depth: int) -> Any:
    """An object as a resolver would hold it, by field names; now and then null."""
    if depth == 0 or draw(NULLS):
        return None
    runtime = draw(st.sampled_from(POSSIBLE[kind])) if kind in POSSIBLE else kind
    return {"__typename": runtime} | {
        name: draw(values(name, depth - 1)) for name in FIELDS[runtime]
    }


@st.composite
def values(draw: st.DrawFn, name: str, depth: int) -> Any:
    if name in COMPOSITE:
        kind, lists = COMPOSITE[name]
        if lists:
            return draw(st.none() | st.lists(objects(kind, depth), max_size=2))
        return draw(objects(kind, depth))
    return None if draw(NULLS) else draw(LEAVES[name])


@st.composite
def selections(draw: st.DrawFn, kind: str, depth: int) -> str:
    """A selection set on a type: fields, aliases, fragments, conditions."""
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        choice = draw(st.integers(0, 9))
        condition = draw(st.sampled_from(["", "", "", " @include(if:$a)", " @skip(if:$b)"]))
        if choice >= 8 and FITTING[kind] and depth:
            on = draw(st.sampled_from(FITTING[kind]))
            parts.append(f"... on {on}{condition} {draw(selections(on, depth - 1))}")
            continue
        if choice == 7 or not FIELDS[kind]:
            parts.append(draw(st.sampled_from(["", "t: "])) + f"__typename{condition}")
            continue
        name = draw(st.sampled_from(FIELDS[kind]))
        real = name.rstrip("_")
        alias = draw(st.sampled_from(["", "", f"{real}_1: "]))
        if name in COMPOSITE:
            inner = "N" if depth == 0 else COMPOSITE[name][0]
            below = "{ __typename }" if depth == 0 else draw(selections(inner, depth - 1))
            parts.append(f"{alias}{real}{condition} {below}")
        else:
            parts.append(f"{alias}{real}{condition}")
    return "{ " + " ".join(parts) + " }"


def with_typenames(node: SelectionSetNode) -> SelectionSetNode:
    """Add ``__typename`` everywhere below, as a planner does."""
    made = []
    for each in node.selections:
        assert isinstance(each, (FieldNode, InlineFragmentNode))
        if each.selection_set is None:
            made.append(each)
            continue
        inner = with_typenames(each.selection_set)
        kept: dict[str, Any] = {key: getattr(each, key) for key in each.keys}
        if isinstance(each, FieldNode):
            extra = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())
            inner = SelectionSetNode(selections=(extra, *inner.selections))
        kept["selection_set"] = inner
        made.append(type(each)(**kept))
    return SelectionSetNode(selections=tuple(made))


def answer_to(sets: Sequence[SelectionSetNode], value: Any, variables: Mapping[str, bool]) -> Any:
    """Answer a selection without any propagation, as a careless subgraph."""
    if isinstance(value, list):
        return [answer_to(sets, item, variables) for item in value]
    if value is None:
        return None
    grouped: dict[str, list[FieldNode]] = {}
    collect(sets, value["__typename"], variables, grouped)
    made: dict[str, Any] = {}
    for key, nodes in grouped.items():
        name = nodes[0].name.value
        found = value.get("r_" if name == "r" and value["__typename"] == "R" else name)
        inner = [node.selection_set for node in nodes if node.selection_set]
        made[key] = answer_to(inner, found, variables) if inner else found
    return made


def collect(sets: Any, runtime: str, variables: Mapping[str, bool], grouped: Any) -> None:
    for selection_set in sets:
        for each in selection_set.selections:
            names = {d.name.value for d in each.directives or ()}
            if ("include" in names and not variables["a"]) or ("skip" in names and variables["b"]):
                continue
            if isinstance(each, FieldNode):
                key = each.alias.value if each.alias else each.name.value
                grouped.setdefault(key, []).append(each)
            elif each.type_condition.name.value in (runtime, *SUPER.get(runtime, ())):
                collect([each.selection_set], runtime, variables, grouped)


SUPER = {"P": ("N", "U"), "Q": ("N",), "R": ("U",)}


class Fixed:
    def __init__(self, data: Any) -> None:
        self.data = data

    async def fetch(self, request: SubgraphRequest) -> SubgraphAnswer:
        return SubgraphAnswer(orjson.loads(orjson.dumps(self.data)))

    def subscribe(self, request: SubgraphRequest) -> Any:
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing to close."""


def reference(document: DocumentNode, root: Any, variables: Mapping[str, bool]) -> Any:
    def resolve(source: Any, info: Any) -> Any:
        return source.get("r_" if info.parent_type.name == "R" and info.field_name == "r"
                          else info.field_name)  # fmt: skip

    return execute_sync(
        SCHEMA,
        document,
        root,
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=lambda value, *_: value["__typename"],
    )


def split(draw: Any, value: Any, one: bool) -> Any:
    """Leave keys out of a part of an answer; structure and types stay."""
    if isinstance(value, list):
        return [split(draw, item, one) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        keep = key == "__typename" or isinstance(item, (dict, list)) or draw(key) is one
        if keep:
            kept[key] = split(draw, item, one)
    return kept


@settings(
    max_examples=int(os.environ.get("EQUALITY_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    selection=selections("Query", 4),
    root=objects("Query", 5),
    a=st.booleans(),
    b=st.booleans(),
    assignment=st.integers(0, 2**16),
)
def test_answers_equal_those_of_graphql_core(
    selection: str, root: Any, a: bool, b: bool, assignment: int
) -> None:
    text = f"query($a:Boolean!,$b:Boolean!){selection}"
    document = parse(text, no_location=True)
    wrong = [e for e in validate(SCHEMA, document) if "never used" not in e.message]
    if root is None or wrong:
        return
    variables = {"a": a, "b": b}
    operation = document.definitions[0]
    sent = with_typenames(operation.selection_set)  # type: ignore[attr-defined]
    fetch_text = f"query($a:Boolean!,$b:Boolean!){print_ast(sent)}"
    data = answer_to([sent], root, variables)
    expected = reference(document, root, variables)
    query = OperationKind.QUERY
    whole = Plan(kind=query, fetches=(Fetch(id=0, subgraph="s", kind=query, operation=fetch_text),))
    halves = Plan(
        kind=query,
        fetches=tuple(
            Fetch(id=n, subgraph=name, kind=query, operation=fetch_text)
            for n, name in enumerate("st")
        ),
    )

    def chosen(key: str) -> bool:
        return bool(assignment >> (sum(map(ord, key)) % 16) & 1)

    parts = {"s": Fixed(split(chosen, data, True)), "t": Fixed(split(chosen, data, False))}
    with asyncio.Runner() as runner:
        for plan, clients in ((whole, {"s": Fixed(data)}), (halves, parts)):
            for options in FORMS:
                compiled = compile_operation(
                    plan,
                    document,
                    None,
                    SCHEMA,
                    Graph(SCHEMA),
                    options=options,
                )
                answer = runner.run(compiled.execute(variables, wired(clients)))
                assert orjson.loads(answer.body)["data"] == expected.data
                assert list(orjson.loads(answer.body)["data"] or ()) == list(expected.data or ())
                paths = {tuple(error["path"]) for error in answer.errors}
                assert {tuple(error.path or ()) for error in expected.errors or ()} <= paths
