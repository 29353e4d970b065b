"""Helpers for the tests of teams with subgraphs of their own.

    from router.testing import assert_composes, assert_plan_snapshot

    def test_our_graph_composes():
        assert_composes({"patients": patients_schema, "billing": BILLING_SDL})

    def test_the_ward_screen_needs_two_fetches(tmp_path):
        graph = assert_composes(...)
        assert_plan_snapshot(graph, WARD_QUERY, Path(__file__).parent / "ward.plan.txt")

A snapshot that is missing, or any with ``ROUTER_UPDATE_PLANS=1``, is written; otherwise a plan
that differs fails the test with a diff. No pytest plugin: these are functions.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import parse, validate

from router.errors import RouterError
from router.loading import printed_sdl

if TYPE_CHECKING:
    from router.composition.compose import Composition
    from router.planning.plan import Plan
    from router.supergraph import Supergraph

__all__ = [
    "assert_composes",
    "assert_does_not_compose",
    "assert_plan_snapshot",
    "plan_of",
]


def assert_composes(
    subgraphs: Mapping[str, Any], *, hints: Collection[str] | None = None
) -> Composition:
    """Compose SDL texts or in-process schemas by name; fails with every composition error.

    ``hints``: the codes of all hints that are expected, None when they do not matter.
    """
    from router.composition.compose import compose

    try:
        composition = compose(_sources(subgraphs))
    except RouterError as error:
        raise AssertionError(f"The subgraphs do not compose:\n{_problems(error)}") from error
    if hints is not None:
        found = sorted(hint.code for hint in composition.hints)
        assert found == sorted(hints), f"expected the hints {sorted(hints)}, got {found}"
    return composition


def assert_does_not_compose(subgraphs: Mapping[str, Any], *codes: str) -> None:
    """Fails unless composition reports exactly the error ``codes`` (any order, any number)."""
    error = _composition_error(subgraphs)
    assert error is not None, "The subgraphs compose, but errors were expected."
    found = {str(problem.code) for problem in getattr(error, "errors", ())}
    assert found == set(codes), f"expected {sorted(codes)}, got:\n{_problems(error)}"


def plan_of(
    graph: Composition | Supergraph | str, operation: str, operation_name: str | None = None
) -> Plan:
    """Plan an operation; fails when it is not valid against the graph's API schema."""
    from router.planning.planner import Planner
    from router.supergraph import Supergraph

    text = graph if isinstance(graph, str) else getattr(graph, "supergraph_sdl", None)
    supergraph = Supergraph.load(text) if isinstance(text, str) else graph
    assert isinstance(supergraph, Supergraph)
    document = parse(operation)
    problems = [error.message for error in validate(supergraph.api_schema, document)]
    assert not problems, "The operation is not valid:\n" + "\n".join(problems)
    return Planner(supergraph).plan(document, operation_name)


def assert_plan_snapshot(
    graph: Composition | Supergraph | str,
    operation: str,
    snapshot: Path,
    operation_name: str | None = None,
) -> None:
    """Compare the plan's text with the file ``snapshot``, or write the file."""
    from router.planning.explain import to_text

    text = to_text(plan_of(graph, operation, operation_name)).rstrip() + "\n"
    if os.environ.get("ROUTER_UPDATE_PLANS") or not snapshot.exists():
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text(text, encoding="utf-8")
        return
    expected = snapshot.read_text(encoding="utf-8")
    if text != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), str(snapshot), "planned now", lineterm=""
        )
        raise AssertionError("The plan has changed:\n" + "\n".join(diff))


def _composition_error(subgraphs: Mapping[str, Any]) -> RouterError | None:
    from router.composition.compose import compose

    try:
        compose(_sources(subgraphs))
    except RouterError as error:
        return error
    return None


def _sources(subgraphs: Mapping[str, Any]) -> list[Any]:
    from router.composition.sources import SubgraphSource

    return [
        SubgraphSource(
            name,
            f"http://{name}/graphql",
            given if isinstance(given, str) else printed_sdl(given),
        )
        for name, given in subgraphs.items()
    ]


def _problems(error: Any) -> str:
    problems = getattr(error, "errors", None) or [error]
    return "\n".join(
        f"  {getattr(problem, 'code', '')}: {getattr(problem, 'message', problem)}"
        for problem in problems
    )
