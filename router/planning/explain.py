"""A plan for people and tools: text as Apollo prints it, JSON with the field's node names.

Both are trees of Sequence, Parallel, Flatten and Fetch. Such a tree cannot state every DAG: what
depends on several fetches stands after all of them. The DAG itself is in ``fetches`` of the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from router.planning.plan import (
    ContextArgument,
    Deferred,
    EntityCall,
    Fetch,
    Input,
    InputFragment,
    InputSelection,
    OnTypes,
    OperationKind,
    Path,
    Plan,
)
from router.planning.plan_text import plan_lines
from router.planning.serialise import dump

__all__ = ["path_text", "to_json", "to_text"]


def to_json(plan: Plan) -> dict[str, Any]:
    """``{"kind": "QueryPlan", "node"?, "fetches": the DAG, "fetchCount", "depth"}``."""
    data = dump(plan)
    node = _tree(plan)
    return {
        "kind": "QueryPlan",
        **({"node": node} if node is not None else {}),
        "operationKind": plan.kind.value,
        "fetchCount": len(plan.fetches),
        "depth": plan.depth,
        "optimal": plan.optimal,
        "fetches": data["fetches"],
        **({"deferred": data["deferred"]} if plan.deferred else {}),
    }


def to_text(plan: Plan) -> str:
    """The plan as indented text; an empty plan is ``QueryPlan {}``."""
    node = _tree(plan)
    if node is None:
        return "QueryPlan {}"
    return "\n".join(plan_lines(node))


# --- DAG -> tree ------------------------------------------------------------------------------


def _tree(plan: Plan) -> dict[str, Any] | None:
    deferred = {fetch_id for block in plan.deferred for fetch_id in block.fetches}
    primary = [fetch for fetch in plan.fetches if fetch.id not in deferred]
    if plan.kind is OperationKind.SUBSCRIPTION and primary:
        rest = _arranged(primary[1:], {primary[0].id})
        node: dict[str, Any] = {"kind": "Subscription", "primary": _fetch_node(primary[0])}
        return {**node, **({"rest": rest} if rest is not None else {})}
    first = _arranged(primary, set())
    if not plan.deferred:
        return first
    return _defer_node(plan, first, None)


def _defer_node(plan: Plan, first: dict[str, Any] | None, parent: str | None) -> dict[str, Any]:
    """An answer (the first one, or a deferred block) and the blocks directly in it."""
    return {
        "kind": "Defer",
        "primary": {"node": first} if first is not None else {},
        "deferred": [_block_node(plan, each) for each in plan.deferred if each.parent == parent],
    }


def _block_node(plan: Plan, block: Deferred) -> dict[str, Any]:
    own = [fetch for fetch in plan.fetches if fetch.id in block.fetches]
    node = _arranged(own, {fetch.id for fetch in plan.fetches} - set(block.fetches))
    if any(each.parent == block.label for each in plan.deferred):
        node = _defer_node(plan, node, block.label)
    return {
        "depends": [{"id": str(i)} for i in _outside(plan, block.fetches)],
        **({"label": block.client_label} if block.client_label else {}),
        **({"if": block.when[0].variable} if block.when else {}),
        "queryPath": path_text(block.path),
        "subselection": block.selection,
        **({"node": node} if node is not None else {}),
    }


def _outside(plan: Plan, ids: Sequence[int]) -> list[int]:
    inside = set(ids)
    return sorted({p for fetch in plan.fetches if fetch.id in inside for p in fetch.after} - inside)


def _arranged(fetches: Sequence[Fetch], done: set[int]) -> dict[str, Any] | None:
    """Ready fetches in parallel, each followed by what only it holds up; then the rest."""
    if not fetches:
        return None
    done = set(done)
    stages: list[dict[str, Any]] = []
    waiting = list(fetches)
    while waiting:
        ready = [fetch for fetch in waiting if done.issuperset(fetch.after)]
        waiting = [fetch for fetch in waiting if fetch not in ready]
        chains: list[dict[str, Any]] = []
        finished: set[int] = set()
        for fetch in ready:
            below, waiting = _only_below(fetch, waiting, done)
            finished |= {fetch.id, *(f.id for f in below)}
            chain = [_step(fetch)]
            inner = _arranged(below, done | {fetch.id})
            if inner is not None:
                chain.append(inner)
            chains.append(_joined("Sequence", chain))
        done |= finished
        stages.append(_joined("Parallel", chains))
    return _joined("Sequence", stages)


def _only_below(
    fetch: Fetch, waiting: Sequence[Fetch], done: set[int]
) -> tuple[list[Fetch], list[Fetch]]:
    known = {*done, fetch.id}
    below: list[Fetch] = []
    left: list[Fetch] = []
    for other in waiting:
        if known.issuperset(other.after):
            below.append(other)
            known.add(other.id)
        else:
            left.append(other)
    return below, left


def _joined(kind: str, nodes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    flat: list[dict[str, Any]] = []
    for node in nodes:
        flat += node["nodes"] if node["kind"] == kind else [node]
    return flat[0] if len(flat) == 1 else {"kind": kind, "nodes": flat}


def _step(fetch: Fetch) -> dict[str, Any]:
    node = _fetch_node(fetch)
    if len(fetch.entities) == 1 and len(fetch.entities[0].paths) == 1:
        node = {"kind": "Flatten", "path": path_text(fetch.entities[0].paths[0]), "node": node}
    elif fetch.at:
        node = {"kind": "Flatten", "path": path_text(fetch.at), "node": node}
    for when in reversed(fetch.when):
        clause = "ifClause" if when.value else "elseClause"
        node = {"kind": "Condition", "condition": when.variable, clause: node}
    return node


def _fetch_node(fetch: Fetch) -> dict[str, Any]:
    node: dict[str, Any] = {
        "kind": "Fetch",
        "serviceName": fetch.subgraph,
        "id": str(fetch.id),
        "variableUsages": [use.name for use in fetch.variables],
    }
    calls = fetch.entities
    if len(calls) == 1 and len(calls[0].paths) == 1:
        node["requires"] = _requires(calls[0].inputs)
    elif calls:
        node["kind"] = "BatchFetch"
        node["entityBatch"] = {"aliases": [_alias_node(call) for call in calls]}
    node["operation"] = fetch.operation
    if fetch.operation_name is not None:
        node["operationName"] = fetch.operation_name
    node["operationKind"] = fetch.kind.value
    rewrites = [_setter(item) for call in calls for item in call.inputs if _rewritten(item)]
    if rewrites and "requires" in node:
        node["inputRewrites"] = rewrites
    renames = [
        {
            "kind": "KeyRenamer",
            "path": [*_rewrite_path(rename.path), rename.alias],
            "renameKeyTo": rename.name,
        }
        for rename in (*fetch.renames, *(r for call in calls for r in call.renames))
    ]
    if renames:
        node["outputRewrites"] = renames
    contexts = [_context(each) for call in calls for each in call.context]
    if contexts:
        node["contextRewrites"] = contexts
    return node


def _context(argument: ContextArgument) -> dict[str, Any]:
    """Where an argument's value lies, from the entity upwards."""
    return {
        "kind": "KeyRenamer",
        "path": [*[".."] * argument.depth, *_leaf_path(argument.selections)],
        "renameKeyTo": argument.variable,
    }


def _leaf_path(selections: Sequence[InputSelection]) -> list[str]:
    """The way to the one leaf; of several types, that of the first."""
    for each in selections:
        step = f"... on {each.on}" if isinstance(each, InputFragment) else each.key
        return [step, *_leaf_path(each.selections)]
    return []


def _alias_node(call: EntityCall) -> dict[str, Any]:
    rewrites = [_setter(item) for item in call.inputs if _rewritten(item)]
    return {
        "alias": call.alias,
        "representationsVariableName": call.variable,
        "paths": [path_text(path) for path in call.paths],
        "requires": _requires(call.inputs),
        **({"inputRewrites": rewrites} if rewrites else {}),
    }


def _rewritten(item: Input) -> bool:
    return item.typename is not None and item.typename != item.on


def _setter(item: Input) -> dict[str, Any]:
    return {
        "kind": "ValueSetter",
        "path": [f"... on {item.on}", "__typename"],
        "setValueTo": item.typename,
    }


def _rewrite_path(path: Path) -> list[str]:
    return [item if isinstance(item, str) else f"... on {'|'.join(item.types)}" for item in path]


def _requires(inputs: Sequence[Input]) -> list[dict[str, Any]]:
    return [
        {
            "kind": "InlineFragment",
            "typeCondition": item.on,
            "selections": [
                {"kind": "Field", "name": "__typename"},
                *map(_required, item.selections),
            ],
        }
        for item in inputs
    ]


def _required(item: InputSelection) -> dict[str, Any]:
    if isinstance(item, InputFragment):
        return {
            "kind": "InlineFragment",
            "typeCondition": item.on,
            "selections": [_required(inner) for inner in item.selections],
        }
    return {
        "kind": "Field",
        "name": item.name,
        **({"alias": item.key} if item.key != item.name else {}),
        **({"selections": [_required(s) for s in item.selections]} if item.selections else {}),
    }


def path_text(path: Path) -> list[str]:
    """A path in the string form of plans: a narrowing is joined to the element before it."""
    parts: list[str] = []
    for item in path:
        if isinstance(item, OnTypes):
            narrowing = f"|[{','.join(item.types)}]"
            parts = [*parts[:-1], parts[-1] + narrowing] if parts else [narrowing]
        else:
            parts.append(item)
    return parts
