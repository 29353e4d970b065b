"""Plans of foreign planners: run one, count what its plan costs, read it as a plan of ours.

Used by ``compare_plans.py``. A peer runs as a Node process of its own (``compare_plans.mjs``), for
some die of an operation that they cannot plan.
"""

from __future__ import annotations

import json
import re
import select
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
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

__all__ = [
    "PACKAGES",
    "Cost",
    "Node",
    "Peer",
    "breaks_order",
    "cost_of",
    "lines_of",
    "read_plan",
]

PACKAGES: Final = {
    "apollo": "@apollo/query-planner",
    "hive": "@graphql-hive/router-query-planner",
}

Node: TypeAlias = dict[str, Any]
Cost: TypeAlias = tuple[int, int]
"""The longest chain, and the number of requests."""

PATIENCE: Final = 30
"""Seconds after which a search is given up."""


class Peer:
    """A foreign planner, running; started again where it dies."""

    def __init__(self, folder: Path, name: str) -> None:
        self._command = [
            "node",
            str(Path(__file__).parent / "compare_plans.mjs"),
            str(folder),
            name,
        ]
        self._process: subprocess.Popen[str] | None = None
        self._loaded: str | None = None

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._loaded = None

    def plan(self, supergraph: str, operation: str) -> Node | str:
        """Return the plan, or what was said where there is none."""
        if self._loaded != supergraph:
            answer = self._ask(supergraph=supergraph)
            if "error" in answer:
                return str(answer["error"])
            self._loaded = supergraph
        answer = self._ask(operation=operation)
        return answer["plan"] if "plan" in answer else str(answer["error"])

    def _ask(self, **request: str) -> Node:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self._stop()
            return {"error": "It died." if ready else "It did not answer in time."}
        answer: Node = json.loads(line)
        return answer


# --- what a plan costs ------------------------------------------------------------------------


def cost_of(plan: Node, *, batched: bool = False) -> Cost:
    """The longest chain and the requests; ``batched``: entity fetches of one depth are one."""
    fetches = list(_placed(plan, 1))
    depth = max((level for level, _ in fetches), default=0)
    if not batched:
        return depth, len(fetches)
    together = {
        (node["service"], level, None if node["calls"] else number)
        for number, (level, node) in enumerate(fetches)
    }
    return depth, len(together)


def _placed(node: Node, level: int) -> Iterator[tuple[int, Node]]:
    """The fetches below a node, each with its place in the chain."""
    if node["kind"] == "Fetch":
        yield level, node
        return
    for each in node["nodes"]:
        found = list(_placed(each, level))
        yield from found
        if node["kind"] == "Sequence":
            level = 1 + max((place for place, _ in found), default=level - 1)


def breaks_order(node: Node, keys: Sequence[str]) -> bool:
    """Whether root fields with effects run other than one by one as written (GraphQL spec, 6.2.2)."""
    if _interleaves(node):
        return True
    called: list[str] = []
    for _, fetch in _placed(node, 1):
        if fetch["operationKind"] == "mutation":
            called += _bodies(fetch["operation"])
    return called != [key for key in keys if key in called]


def _interleaves(node: Node) -> bool:
    if node["kind"] == "Fetch":
        return False
    if node["kind"] == "Parallel" and len(node["nodes"]) > 1:
        return any(fetch["operationKind"] == "mutation" for _, fetch in _placed(node, 1))
    return any(_interleaves(each) for each in node["nodes"])


def lines_of(node: Node, indent: str = "") -> Iterator[str]:
    """The plan for people."""
    if node["kind"] == "Fetch":
        yield f"{indent}{node['service']} {node['when'] or ''} {node['operation']}"
        for call in node["calls"] or ():
            yield f"{indent}    {call['paths']} {json.dumps(call['requires'])}"
        return
    yield f"{indent}{node['kind']}"
    for each in node["nodes"]:
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
