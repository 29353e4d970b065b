"""What planner tests share: compose, plan, check against the subgraphs, and a short plan text.

A plan reads as one line per fetch::

    0 cat {books{isbn}}
    1 lend after 0: books.@ Book{isbn} -> ...on Book{copies}
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from graphql import parse, validate

from router.composition.compose import SubgraphSource, compose
from router.planning.explain import path_text
from router.planning.plan import (
    EntityCall,
    Fetch,
    InputFragment,
    InputSelection,
    Plan,
    Rename,
    When,
)
from router.planning.planner import Planner, PlannerOptions
from router.planning.serialise import dump, load
from router.supergraph import Supergraph
from router.supergraph.subgraph_schema import subgraph_schema

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@external",
  "@requires", "@provides", "@shareable", "@override", "@inaccessible", "@interfaceObject",
  "@context", "@fromContext", "@tag"])
"""


def supergraph(**subgraphs: str) -> Supergraph:
    """Compose Federation 2 subgraphs, given as SDL without the link."""
    return _composed(tuple(subgraphs.items()))


@lru_cache(maxsize=256)
def _composed(subgraphs: tuple[tuple[str, str], ...]) -> Supergraph:
    composition = compose(
        SubgraphSource(name=name, url=f"http://{name}", sdl=LINK + sdl) for name, sdl in subgraphs
    )
    return Supergraph.load(composition.supergraph_sdl)


def planned(
    graph: Supergraph,
    query: str,
    *,
    labels: Iterable[str] = (),
    options: PlannerOptions | None = None,
) -> Plan:
    """Plan a valid operation and check what every plan must keep to."""
    document = parse(query)
    errors = validate(graph.operation_schema, document)
    assert not errors, errors
    plan = Planner(graph, options).plan(document, labels=frozenset(labels))
    check(graph, plan)
    return plan


def check(graph: Supergraph, plan: Plan) -> None:
    """Every printed operation is valid in its subgraph; the DAG is one; the plan stores."""
    for position, fetch in enumerate(plan.fetches):
        schema = _schema(graph, fetch.subgraph)
        errors = validate(schema, parse(fetch.operation))
        assert not errors, f"{fetch.subgraph}: {fetch.operation}\n{errors}"
        assert fetch.id == position
        assert all(parent < fetch.id for parent in fetch.after)
        assert fetch.entities == () or all(call.inputs for call in fetch.entities)
    assert load(dump(plan)) == plan


_SCHEMAS: dict[tuple[str, str], object] = {}


def _schema(graph: Supergraph, name: str):  # type: ignore[no-untyped-def]
    key = (graph.sdl, name)
    if key not in _SCHEMAS:
        _SCHEMAS[key] = subgraph_schema(graph, graph.subgraphs[name])
    return _SCHEMAS[key]


def lines(plan: Plan) -> list[str]:
    """The plan, one line a fetch."""
    return [line(fetch) for fetch in plan.fetches]


def plan_lines(graph: Supergraph, query: str, **options: object) -> list[str]:
    """Plan and print."""
    return lines(planned(graph, query, **options))  # type: ignore[arg-type]


def line(fetch: Fetch) -> str:
    """One fetch as a line."""
    head = f"{fetch.id} {fetch.subgraph}"
    if fetch.after:
        head += f" after {','.join(map(str, fetch.after))}"
    if fetch.when:
        head += f" if {_when(fetch.when)}"
    if not fetch.entities:
        at = f" at {'.'.join(path_text(fetch.at))}:" if fetch.at else ""
        kind = "" if fetch.kind.value == "query" else f" {fetch.kind.value}"
        body = fetch.operation[fetch.operation.index("{") :]
        return f"{head}{at}{kind} {body}{_renames(fetch.renames)}"
    return f"{head}: " + " & ".join(map(_call, fetch.entities))


def _call(call: EntityCall) -> str:
    paths = ", ".join(".".join(path_text(path)) for path in call.paths)
    inputs = " ".join(
        f"{item.on}{_as(item.on, item.typename)}{{{_inputs(item.selections)}}}"
        f"{f' if {_when(item.when)}' if item.when else ''}"
        for item in call.inputs
    )
    context = "".join(
        f" [{c.variable}: up {c.depth} {{{_inputs(c.selections)}}}]" for c in call.context
    )
    return f"{paths} {inputs} -> {call.selection}{_renames(call.renames)}{context}"


def _as(on: str, typename: str | None) -> str:
    return f" as {typename}" if typename not in {None, on} else ""


def _renames(renames: Iterable[Rename]) -> str:
    return "".join(f" [{'.'.join(path_text(r.path))}.{r.alias} => {r.name}]" for r in renames)


def _when(conditions: Iterable[When]) -> str:
    return ", ".join(f"{'' if c.value else 'not '}${c.variable}" for c in conditions)


def _inputs(selections: Iterable[InputSelection]) -> str:
    parts: list[str] = []
    for item in selections:
        if isinstance(item, InputFragment):
            parts.append(f"...on {item.on}{{{_inputs(item.selections)}}}")
            continue
        text = item.name if item.key == item.name else f"{item.name}<{item.key}"
        if item.selections:
            text += f"{{{_inputs(item.selections)}}}"
        if item.required:
            text += "!"
        if item.when:
            text += f" if {_when(item.when)}"
        parts.append(text)
    return " ".join(parts)
