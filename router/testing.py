"""Helpers for the tests of teams with subgraphs of their own.

    from router.testing import assert_composes, assert_plan_snapshot

    HERE = Path(__file__).parent

    def graph():
        return assert_composes({"patients": patients_schema, "billing": HERE / "billing.graphql"})

    def test_the_ward_screen_needs_what_it_needed():
        assert_plan_snapshot(graph(), WARD_QUERY, HERE / "ward.plan.txt")

A plan that differs from its snapshot fails the test with a diff; ``ROUTER_UPDATE_PLANS=1`` takes it
over. A snapshot that is missing is written, but fails where ``CI`` is set: it was not committed.
No pytest plugin: these are functions.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import GraphQLError, parse, validate

from router.errors import NoPlan
from router.files import read_text
from router.loading import printed_sdl

if TYPE_CHECKING:
    from router.composition import Composition, CompositionFailed, SubgraphSource
    from router.planning.plan import Plan
    from router.supergraph import Supergraph

__all__ = [
    "Graph",
    "assert_composes",
    "assert_does_not_compose",
    "assert_plan_snapshot",
    "plan_of",
]

Graph: TypeAlias = "Composition | Supergraph | str | Path"
"""What is planned on: what :func:`assert_composes` gave, or a supergraph's SDL or file."""


def assert_composes(
    subgraphs: Mapping[str, Any], *, hints: Collection[str] | None = None
) -> Composition:
    """Compose subgraphs by name; fails with every composition error and its line.

    Each is an in-process schema, an SDL, or the path of an SDL (a text without a brace is one).
    ``hints``: the codes of all hints that are expected, None when they do not matter.
    """
    from router.composition import CompositionFailed, compose

    __tracebackhide__ = True
    sources = _sources(subgraphs)
    try:
        composition = compose(sources)
    except CompositionFailed as error:
        raise AssertionError(_report(error, sources, subgraphs)) from None
    if hints is not None:
        found = sorted(hint.code for hint in composition.hints)
        if found != sorted(hints):
            told = "\n".join(f"  {hint.code}: {hint.message}" for hint in composition.hints)
            raise AssertionError(f"expected the hints {sorted(hints)}, got {found}\n{told}")
    return composition


def assert_does_not_compose(subgraphs: Mapping[str, Any], *codes: str) -> None:
    """Fails unless composition reports exactly the error ``codes`` (any order, any number)."""
    from router.composition import CompositionFailed, compose

    __tracebackhide__ = True
    sources = _sources(subgraphs)
    try:
        compose(sources)
    except CompositionFailed as error:
        if {problem.code for problem in error.errors} != set(codes):
            told = _report(error, sources, subgraphs)
            raise AssertionError(f"expected {sorted(codes)}, got:\n{told}") from None
        return
    raise AssertionError(f"The subgraphs compose, but {sorted(codes)} was expected.")


def plan_of(
    graph: Graph,
    operation: str,
    operation_name: str | None = None,
    *,
    labels: Iterable[str] = (),
) -> Plan:
    """Plan an operation; fails when it is not valid against the graph's API schema.

    ``labels``: the override labels that are active.
    """
    from router.planning.planner import Planner, PlannerOptions

    __tracebackhide__ = True
    supergraph = _supergraph(graph)
    try:
        document = parse(operation)
        problems = validate(supergraph.operation_schema, document)
    except GraphQLError as error:
        problems = [error]
    if problems:
        told = "\n\n".join(map(str, problems))
        raise AssertionError(f"The operation is not valid:\n{told}") from None
    planner = Planner(supergraph, PlannerOptions(defer=True))
    try:
        return planner.plan(document, operation_name, labels=frozenset(labels))
    except NoPlan as error:
        raise AssertionError(error.message) from None


def assert_plan_snapshot(
    graph: Graph,
    operation: str,
    snapshot: str | Path,
    operation_name: str | None = None,
    *,
    labels: Iterable[str] = (),
) -> None:
    """Compare the plan's text with the file ``snapshot``, or write the file."""
    from router.planning.explain import to_text

    __tracebackhide__ = True
    text = to_text(plan_of(graph, operation, operation_name, labels=labels)).rstrip() + "\n"
    file = Path(snapshot)
    missing = not file.exists()
    if missing and os.environ.get("CI") and not os.environ.get("ROUTER_UPDATE_PLANS"):
        raise AssertionError(f"{file} is missing: run the test once and commit what it writes.")
    if missing or os.environ.get("ROUTER_UPDATE_PLANS"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    expected = file.read_text(encoding="utf-8")
    if text != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), str(file), "planned now", lineterm=""
        )
        raise AssertionError(
            "The plan has changed; ROUTER_UPDATE_PLANS=1 takes the new one over.\n"
            + "\n".join(diff)
        )


def _supergraph(graph: Graph) -> Supergraph:
    from router.supergraph import Supergraph

    if isinstance(graph, Supergraph):
        return graph
    if isinstance(graph, str | Path):
        return Supergraph.read(Path(graph)) if _is_file(graph) else Supergraph.load(str(graph))
    return Supergraph.load(graph.supergraph_sdl)


def _sources(subgraphs: Mapping[str, Any]) -> list[SubgraphSource]:
    from router.composition.sources import SubgraphSource

    return [
        SubgraphSource(name, f"http://{name}/graphql", _sdl(given))
        for name, given in subgraphs.items()
    ]


def _is_file(given: Any) -> bool:
    return isinstance(given, Path) or (isinstance(given, str) and "{" not in given)


def _sdl(given: Any) -> str:
    if _is_file(given):
        return read_text(Path(given), "name the file of a schema, or give its SDL")
    return given if isinstance(given, str) else printed_sdl(given)


def _report(
    error: CompositionFailed, sources: Iterable[SubgraphSource], subgraphs: Mapping[str, Any]
) -> str:
    from router.composition.report import report

    texts = {}
    for source in sources:
        given = subgraphs[source.name]
        texts[source.name] = str(given) if _is_file(given) else source.name, source.sdl
    return report(error, texts)
