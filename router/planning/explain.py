"""A plan for people and tools: text as Apollo prints it, JSON with the field's node names.

Both are trees of Sequence, Parallel, Flatten and Fetch. Such a tree cannot state every DAG: what
depends on several fetches stands after all of them. The DAG itself is in ``fetches`` of the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse, print_ast

from router.planning.plan import (
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
    lines = ["QueryPlan {", *_indented(_node_lines(node)), "}"]
    return "\n".join(lines)


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
    return {
        "kind": "Defer",
        "primary": {"node": first} if first is not None else {},
        "deferred": [
            {
                "depends": [{"id": str(i)} for i in _outside(plan, block.fetches)],
                **({"label": block.client_label} if block.client_label else {}),
                "queryPath": path_text(block.path),
                "subselection": block.selection,
                **_optional_node(
                    _arranged(
                        [f for f in plan.fetches if f.id in block.fetches],
                        {f.id for f in plan.fetches if f.id not in block.fetches},
                    )
                ),
            }
            for block in plan.deferred
        ],
    }


def _optional_node(node: dict[str, Any] | None) -> dict[str, Any]:
    return {"node": node} if node is not None else {}


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
    return node


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


# --- text -------------------------------------------------------------------------------------


def _node_lines(node: Mapping[str, Any]) -> list[str]:
    match node["kind"]:
        case "Sequence" | "Parallel" as kind:
            inner = [line for child in node["nodes"] for line in _closed(_node_lines(child))]
            return [f"{kind} {{", *_indented(inner), "}"]
        case "Flatten":
            head = f'Flatten(path: "{".".join(node["path"])}") {{'
            return [head, *_indented(_closed(_node_lines(node["node"]))), "}"]
        case "Condition":
            clause = "ifClause" if "ifClause" in node else "elseClause"
            word = "Include" if clause == "ifClause" else "Skip"
            head = f"{word}(if: ${node['condition']}) {{"
            return [head, *_indented(_closed(_node_lines(node[clause]))), "}"]
        case "Subscription":
            inner = ["Primary: {", *_indented(_closed(_node_lines(node["primary"]))), "},"]
            if "rest" in node:
                inner += ["Rest: {", *_indented(_closed(_node_lines(node["rest"]))), "},"]
            return ["Subscription {", *_indented(inner), "}"]
        case "Defer":
            return _defer_lines(node)
        case "BatchFetch":
            return _batch_lines(node)
        case _:
            return _fetch_lines(node)


def _defer_lines(node: Mapping[str, Any]) -> list[str]:
    inner = ["Primary {"]
    if "node" in node["primary"]:
        inner += _indented(_closed(_node_lines(node["primary"]["node"])))
    inner += ["}, ["]
    for block in node["deferred"]:
        depends = ", ".join(item["id"] for item in block["depends"])
        label = f', label: "{block["label"]}"' if "label" in block else ""
        path = ".".join(block["queryPath"])
        head = f'  Deferred(depends: [{depends}], path: "{path}"{label}) {{'
        inner += [head, f"    {{{block['subselection']}}}"]
        if "node" in block:
            inner += ["    " + line for line in _closed(_node_lines(block["node"]))]
        inner.append("  },")
    return ["Defer {", *_indented([*inner, "]"]), "}"]


def _fetch_lines(node: Mapping[str, Any]) -> list[str]:
    head = f'Fetch(service: "{node["serviceName"]}") {{'
    body = _operation_body(node["operation"], entity="requires" in node)
    if "requires" not in node:
        return [head, *_indented(body), "}"]
    requires = ["{", *_indented(_requires_lines(node["requires"])), "} =>"]
    return [head, *_indented([*requires, *body]), "}"]


def _batch_lines(node: Mapping[str, Any]) -> list[str]:
    inner: list[str] = []
    for call in node["entityBatch"]["aliases"]:
        paths = ", ".join(f'"{".".join(path)}"' for path in call["paths"])
        inner += [f"{call['alias']}(paths: [{paths}]) {{", "  {"]
        inner += ["    " + line for line in _requires_lines(call["requires"])]
        inner += ["  }", "}"]
    inner += _operation_body(node["operation"], entity=False)
    return [f'BatchFetch(service: "{node["serviceName"]}") {{', *_indented(inner), "}"]


def _requires_lines(selections: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for item in selections:
        if item["kind"] == "InlineFragment":
            head = f"... on {item['typeCondition']} {{"
            lines += [head, *_indented(_requires_lines(item["selections"])), "}"]
            continue
        name = f"{item['name']}: {item['alias']}" if "alias" in item else item["name"]
        if item.get("selections"):
            lines += [f"{name} {{", *_indented(_requires_lines(item["selections"])), "}"]
        else:
            lines.append(name)
    return lines


def _operation_body(operation: str, *, entity: bool) -> list[str]:
    definition, *fragments = parse(operation, no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    selection: SelectionSetNode = definition.selection_set
    first = selection.selections[0]
    if entity and isinstance(first, FieldNode) and first.selection_set is not None:
        selection = first.selection_set
    return [line for node in (selection, *fragments) for line in print_ast(node).splitlines()]


def _closed(lines: Sequence[str]) -> list[str]:
    return [*lines[:-1], lines[-1] + ","]


def _indented(lines: Iterable[str]) -> list[str]:
    return ["  " + line for line in lines]
