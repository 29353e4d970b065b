"""Plans of foreign planners: run one, count what its plan costs, read it as a plan of ours.

Used by ``compare_plans.py``; a peer is the filter ``compare_plans.mjs``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from graphql import (
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

from router.planning.plan import (
    Deferred,
    EntityCall,
    Fetch,
    Input,
    InputField,
    InputFragment,
    InputSelection,
    OnTypes,
    OperationKind,
    PathItem,
    Plan,
    Rename,
    VariableUse,
    When,
)
from scripts.node_filter import NodeFilter, Silent

__all__ = [
    "PACKAGES",
    "Cost",
    "Node",
    "Peer",
    "breaks_order",
    "cost_of",
    "lines_of",
    "own_cost",
    "read_plan",
]

PACKAGES: Final = {
    "apollo": "@apollo/query-planner",
    "hive": "@graphql-hive/router-query-planner",
}

Node: TypeAlias = dict[str, Any]
Cost: TypeAlias = tuple[int, int, int, int]
"""The longest chain and the requests of the first answer, and those of the whole."""

Truths: TypeAlias = Mapping[str, bool] | None
"""The values of the variables that conditions ask; None counts what any condition may need."""

PATIENCE: Final = 30
"""Seconds after which a search is given up."""


class Peer(NodeFilter):
    """A foreign planner, which keeps the supergraph that it was given last."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__("compare_plans.mjs", folder, name, patience=PATIENCE)
        self._loaded: str | None = None

    def plan(self, supergraph: str, operation: str, labels: Mapping[str, bool]) -> Node | str:
        """Return the plan, or what was said where there is none; ``labels``: are they active."""
        try:
            if self._loaded != supergraph or not self.runs:
                answer = self.ask(supergraph=supergraph)
                if "error" in answer:
                    return str(answer["error"])
                self._loaded = supergraph
            answer = self.ask(operation=operation, labels=labels)
        except Silent as silent:
            return str(silent)
        return answer["plan"] if "plan" in answer else str(answer["error"])


# --- what a plan costs ------------------------------------------------------------------------


def cost_of(plan: Node, truths: Truths, *, batched: bool = False) -> Cost:
    """The cost where variables have these values; ``batched``: fetches of one depth are one."""
    placed = [each for each in _placed(plan, 1, {}, truths) if _is_run(each.node, truths)]
    first = [each for each in placed if not each.deferred]
    return (*_measured(first, batched), *_measured(placed, batched))


def own_cost(plan: Plan, truths: Truths) -> Cost:
    """The cost of a plan of ours where variables have these values."""
    later = _deferred(plan, truths)
    depths: dict[int, int] = {}
    running: list[int] = []
    for fetch in plan.fetches:
        depths[fetch.id] = max((depths[parent] for parent in fetch.after), default=0)
        if _runs(fetch, truths):
            depths[fetch.id] += 1
            running.append(fetch.id)
    first = [depths[each] for each in running if each not in later]
    whole = [depths[each] for each in running]
    return max(first, default=0), len(first), max(whole, default=0), len(whole)


def _hold(conditions: tuple[When, ...], truths: Truths) -> bool:
    return truths is None or all(truths[each.variable] is each.value for each in conditions)


def _is_run(node: Node, truths: Truths) -> bool:
    return truths is None or all(truths[name] is value for name, value in node["when"])


def _runs(fetch: Fetch, truths: Truths) -> bool:
    inputs = [each for call in fetch.entities for each in call.inputs]
    return (
        _hold(fetch.when, truths)
        and (not fetch.any_of or any(_hold(each, truths) for each in fetch.any_of))
        and (not inputs or any(_hold(each.when, truths) for each in inputs))
    )


def _deferred(plan: Plan, truths: Truths) -> set[int]:
    """The fetches of deferred parts; a part whose ``if`` is false belongs to the one around it."""
    blocks = {each.label: each for each in plan.deferred}
    later: set[int] = set()
    for each in plan.deferred:
        around: Deferred | None = each
        while around is not None:
            if _hold(around.when, truths):
                later |= set(each.fetches)
                break
            around = blocks[around.parent] if around.parent is not None else None
    return later


@dataclass(frozen=True)
class _Placed:
    level: int
    """Its place in the longest chain that leads to it."""
    deferred: bool
    node: Node


def _measured(placed: Sequence[_Placed], batched: bool) -> tuple[int, int]:
    depth = max((each.level for each in placed), default=0)
    if not batched:
        return depth, len(placed)
    together = {
        (each.node["service"], each.level, None if each.node["calls"] else number)
        for number, each in enumerate(placed)
    }
    return depth, len(together)


def _placed(
    node: Node,
    level: int,
    ends: dict[str, int],
    truths: Truths,
    *,
    deferred: bool = False,
) -> Iterator[_Placed]:
    """The fetches below a node; ``ends`` takes the levels of those that others name."""
    if node["kind"] == "Fetch":
        if node.get("id") is not None:
            ends[node["id"]] = level
        yield _Placed(level, deferred, node)
        return
    if node["kind"] == "Defer":
        yield from _placed(node["primary"], level, ends, truths, deferred=deferred)
        for part in node["deferred"]:
            start = 1 + max((ends.get(each, level) for each in part["depends"]), default=level - 1)
            yield from _placed(part["node"], start, ends, truths, deferred=True)
        return
    for each in node["nodes"]:
        found = list(_placed(each, level, ends, truths, deferred=deferred))
        yield from found
        if node["kind"] == "Sequence":
            run = [one.level for one in found if _is_run(one.node, truths)]
            level = 1 + max(run, default=level - 1)


def breaks_order(node: Node, keys: Sequence[str]) -> bool:
    """Whether root fields with effects run other than one by one as written (GraphQL spec, 6.2.2)."""
    if _interleaves(node):
        return True
    called: list[str] = []
    for fetch in _fetches(node):
        if fetch["operationKind"] == "mutation":
            called += _bodies(fetch["operation"])
    return called != [key for key in keys if key in called]


def _interleaves(node: Node) -> bool:
    if node["kind"] == "Fetch":
        return False
    if node["kind"] == "Parallel" and len(node["nodes"]) > 1:
        return any(fetch["operationKind"] == "mutation" for fetch in _fetches(node))
    return any(_interleaves(each) for each in _children(node))


def _children(node: Node) -> list[Node]:
    if node["kind"] == "Defer":
        return [node["primary"], *(each["node"] for each in node["deferred"])]
    return list(node.get("nodes", ()))


def _fetches(node: Node) -> Iterator[Node]:
    if node["kind"] == "Fetch":
        yield node
    for each in _children(node):
        yield from _fetches(each)


def lines_of(node: Node, indent: str = "") -> Iterator[str]:
    """The plan for people."""
    if node["kind"] == "Fetch":
        yield f"{indent}{node['service']} {node['when'] or ''} {node['operation']}"
        for call in node["calls"] or ():
            yield f"{indent}    {call['paths']} {json.dumps(call['requires'])}"
        return
    yield f"{indent}{node['kind']}"
    for each in _children(node):
        yield from lines_of(each, f"{indent}  ")


# --- a plan as ours ---------------------------------------------------------------------------


def read_plan(plan: Node, kind: OperationKind) -> Plan:
    """The same fetches in the same order as a plan that our executor runs."""
    fetches: list[Fetch] = []
    _read(plan, (), fetches)
    return Plan(kind=kind, fetches=tuple(fetches))


def _read(node: Node, after: tuple[int, ...], fetches: list[Fetch]) -> tuple[int, ...]:
    """Append the fetches below a node; returns those that end it."""
    if node["kind"] == "Fetch":
        fetches.append(_fetch(node, len(fetches), after))
        return (len(fetches) - 1,)
    if node["kind"] == "Sequence":
        for each in node["nodes"]:
            after = _read(each, after, fetches) or after
        return after
    if node["kind"] == "Defer":
        # To prove its answer it is run as a whole: what comes later is asked after all of the first.
        first = _read(node["primary"], after, fetches) or after
        late = [_read(each["node"], first, fetches) for each in node["deferred"]]
        return first + tuple(end for found in late for end in found)
    ends = [_read(each, after, fetches) for each in node["nodes"]]
    return tuple(end for found in ends for end in found)


def _fetch(node: Node, number: int, after: tuple[int, ...]) -> Fetch:
    bodies = _bodies(node["operation"])
    return Fetch(
        id=number,
        subgraph=node["service"],
        kind=OperationKind(node["operationKind"]),
        operation=node["operation"],
        variables=tuple(VariableUse(name, "") for name in node["variables"]),
        entities=tuple(
            EntityCall(
                alias=call["alias"],
                variable=call["variable"],
                paths=tuple(_path(path) for path in call["paths"]),
                inputs=_inputs(call),
                selection=bodies[call["alias"]],
                renames=_renames(call["renames"] or node["renames"]),
            )
            for call in node["calls"] or ()
        ),
        renames=() if node["calls"] else _renames(node["renames"]),
        after=after,
        when=tuple(When(variable, value) for variable, value in node["when"]),
    )


def _bodies(operation: str) -> dict[str, str]:
    """The selections of an operation's root fields, by response key."""
    document = parse(operation)
    node = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    found: dict[str, str] = {}
    _add_bodies(node.selection_set, found)
    return found


def _add_bodies(selections: SelectionSetNode, found: dict[str, str]) -> None:
    for each in selections.selections:
        if isinstance(each, InlineFragmentNode):
            _add_bodies(each.selection_set, found)
        elif isinstance(each, FieldNode) and each.selection_set is not None:
            found.setdefault((each.alias or each.name).value, print_ast(each.selection_set)[1:-1])


def _path(items: list[str]) -> tuple[PathItem, ...]:
    found: list[PathItem] = []
    for item in items:
        on = re.match(r"(?:\.\.\. on |\|\[)([^\]]*)", item)
        found.append(OnTypes(tuple(sorted(on[1].split(",")))) if on else item)
    return tuple(found)


def _inputs(call: Node) -> tuple[Input, ...]:
    named = next((r["value"] for r in call["rewrites"] if r["path"][-1] == "__typename"), None)
    return tuple(
        Input(on=item["typeCondition"], selections=_selections(item["selections"]), typename=named)
        for item in call["requires"]
    )


def _selections(items: list[Node]) -> tuple[InputSelection, ...]:
    found: list[InputSelection] = []
    for item in items:
        inner = _selections(item.get("selections") or [])
        if item["kind"] == "InlineFragment":
            found.append(InputFragment(item["typeCondition"], inner))
        else:
            key = item.get("alias") or item["name"]
            found.append(InputField(item["name"], key, inner, required=True))
    return tuple(found)


def _renames(rewrites: list[Node]) -> tuple[Rename, ...]:
    return tuple(Rename(_path(r["path"][:-1]), r["path"][-1], r["value"]) for r in rewrites)
