"""Each stage of planning as text, to find the first one that goes wrong.

``operation``: what is left after normalisation. ``graph``: for each type that the operation
meets, where its objects can be held and by which keys. ``paths``: the options of every leaf.
``fetches``: the drafts before they are merged and printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphql import DocumentNode

from router.planning.closure import Narrow, Reach, Solution, Take
from router.planning.drafts import Draft, depths, plan_path
from router.planning.explain import path_text
from router.planning.options import Become, Branch, Carry, Enter, Go, Option, Path, Rejoin
from router.planning.planner import Planner, Trace
from router.planning.printing import print_selection
from router.planning.selection import Field, Selections

__all__ = ["STAGES", "stage_text"]

STAGES: Final = ("operation", "graph", "paths", "fetches")


def stage_text(
    stage: str,
    planner: Planner,
    document: DocumentNode,
    operation_name: str | None = None,
    *,
    labels: frozenset[str] = frozenset(),
) -> str:
    """One stage of planning an operation, as text."""
    trace = planner.trace(document, operation_name, labels=labels)
    match stage:
        case "operation":
            return "\n".join(_selections(trace.operation.selections))
        case "graph":
            return "\n".join(_graph(trace))
        case "paths":
            return "\n".join(_paths(trace))
        case "fetches":
            return "\n".join(_drafts(trace.drafts))
        case _:
            raise ValueError(f"There is no stage {stage!r}; there are {', '.join(STAGES)}.")


def _selections(selections: Selections, indent: str = "") -> Iterator[str]:
    for selection in selections:
        when = "".join(f" if {'' if w.value else 'not '}${w.variable}" for w in selection.when)
        if isinstance(selection, Field):
            alias = "" if selection.key == selection.name else f"{selection.key}: "
            arguments = f"({selection.arguments})" if selection.arguments else ""
            yield f"{indent}{alias}{selection.name}{arguments}{when}"
        else:
            later = f" deferred as {selection.defer.label}" if selection.defer is not None else ""
            yield f"{indent}... on {selection.on or 'the same type'}{when}{later}"
        yield from _selections(selection.selections, indent + "  ")


def _graph(trace: Trace) -> Iterator[str]:
    closures = trace.explorer.closures
    nodes = {
        path.node.id: path.node
        for branch, _ in trace.decided
        for option in branch.options
        for end in option
        for path in _line(end)
        if path.node.type.is_composite
    }
    for _, node in sorted(nodes.items()):
        yield f"{node}"
        for reach in closures.of(node).reaches[1:]:
            yield f"  {reach.node} at depth {reach.depth} {_entry(reach)}"


def _entry(reach: Reach) -> str:
    if reach.key is None:
        return "by the query root"
    return f"by key {{{_solution(reach.key)}}}"


def _solution(solution: Solution) -> str:
    parts: list[str] = []
    for item in solution.items:
        match item:
            case Take(way, name, _, inner):
                below = f" {{{_solution(inner)}}}" if inner is not None else ""
                parts.append(f"{name} from {way.reach.node.subgraph.name}{below}")
            case Narrow(_, node, inner):
                parts.append(f"... on {node.name} {{{_solution(inner)}}}")
    return ", ".join(parts)


def _paths(trace: Trace) -> Iterator[str]:
    for branch, chosen in trace.decided:
        yield f"{'.'.join(chosen[0].keys) or '(root)'}{_kind(branch)}"
        for option in branch.options:
            mark = "*" if option is chosen else " "
            yield f" {mark} {_option(option)}"


def _kind(branch: Branch) -> str:
    if branch.rest:
        return " and everything below"
    return " (the object itself)" if branch.anywhere else ""


def _option(option: Option) -> str:
    return " + ".join(" ".join(_moves(path)) for path in option)


def _moves(end: Path) -> Iterator[str]:
    for path in reversed(list(_line(end))):
        match path.move:
            case Enter(subgraph):
                yield subgraph.name
            case Go(field, way):
                if not way.reach.stays:
                    yield f"-> {way.reach.node.subgraph.name}"
                yield f".{field.key}"
            case Become(reach, _, names):
                if not reach.stays:
                    yield f"-> {reach.node.subgraph.name}"
                yield f"|{','.join(names)}"
            case Rejoin(members):
                apart = (m.parent.move for m in members if m.parent is not None)
                joined = ",".join(n for b in apart if isinstance(b, Become) for n in b.members)
                key = members[0].keys[-1]
                yield f"|{joined} .{key}"
            case Carry():
                pass


def _line(end: Path) -> Iterator[Path]:
    path: Path | None = end
    while path is not None:
        yield path
        path = path.parent


def _drafts(drafts: list[Draft]) -> Iterator[str]:
    level = depths(drafts)
    for draft in sorted(drafts, key=lambda d: (level[d.id], d.id)):
        after = ", ".join(str(parent.id) for parent in draft.parents) or "nothing"
        path = ".".join(path_text(plan_path(draft.spot))) or "(root)"
        text = print_selection(draft.tree, draft.subgraph, frozenset(), draft.sent_types).text
        sent = ", ".join(draft.inputs) or "nothing"
        yield f"{draft.id} {draft.subgraph.name} at {path} after {after}, given {sent}"
        yield f"    {text}"
