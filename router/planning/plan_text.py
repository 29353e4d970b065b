"""The tree of a plan's nodes as indented text, as Apollo prints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse, print_ast
from msgspec import Struct

__all__ = ["plan_lines"]


def plan_lines(node: Mapping[str, Any]) -> list[str]:
    """The lines of a whole plan."""
    text = _Text(frozenset(_depended_on(node)))
    return ["QueryPlan {", *_indented(text.lines(node)), "}"]


def _depended_on(node: Mapping[str, Any]) -> Iterator[str]:
    """The numbers of fetches that deferred blocks name."""
    for block in node.get("deferred", ()):
        yield from (item["id"] for item in block["depends"])
        yield from _depended_on(block.get("node", {}))


class _Text(Struct, frozen=True):
    """``named``: the fetches whose numbers are told."""

    named: frozenset[str]

    def lines(self, node: Mapping[str, Any]) -> list[str]:
        match node["kind"]:
            case "Sequence" | "Parallel" as kind:
                inner = [line for child in node["nodes"] for line in _closed(self.lines(child))]
                return [f"{kind} {{", *_indented(inner), "}"]
            case "Flatten":
                head = f'Flatten(path: "{".".join(node["path"])}") {{'
                return [head, *self._inside(node["node"]), "}"]
            case "Condition":
                clause = "ifClause" if "ifClause" in node else "elseClause"
                word = "Include" if clause == "ifClause" else "Skip"
                head = f"{word}(if: ${node['condition']}) {{"
                return [head, *self._inside(node[clause]), "}"]
            case "Subscription":
                inner = ["Primary: {", *self._inside(node["primary"]), "},"]
                if "rest" in node:
                    inner += ["Rest: {", *self._inside(node["rest"]), "},"]
                return ["Subscription {", *_indented(inner), "}"]
            case "Defer":
                return self._defer(node)
            case "BatchFetch":
                return self._batch(node)
            case _:
                return self._fetch(node)

    def _inside(self, node: Mapping[str, Any]) -> list[str]:
        return _indented(_closed(self.lines(node)))

    def _defer(self, node: Mapping[str, Any]) -> list[str]:
        inner = ["Primary {"]
        if "node" in node["primary"]:
            inner += self._inside(node["primary"]["node"])
        inner += ["}, ["]
        for block in node["deferred"]:
            depends = ", ".join(item["id"] for item in block["depends"])
            label = f', label: "{block["label"]}"' if "label" in block else ""
            condition = f", if: ${block['if']}" if "if" in block else ""
            path = ".".join(block["queryPath"])
            head = f'Deferred(depends: [{depends}], path: "{path}"{label}{condition}) {{'
            below = [f"{{{block['subselection']}}}"]
            if "node" in block:
                below += _closed(self.lines(block["node"]))
            inner += _indented([head, *_indented(below), "},"])
        return ["Defer {", *_indented([*inner, "]"]), "}"]

    def _head(self, node: Mapping[str, Any]) -> str:
        number = f", id: {node['id']}" if node["id"] in self.named else ""
        context = "".join(
            f', {each["renameKeyTo"]}: "{"/".join(each["path"])}"'
            for each in node.get("contextRewrites", ())
        )
        return f'{node["kind"]}(service: "{node["serviceName"]}"{number}{context}) {{'

    def _fetch(self, node: Mapping[str, Any]) -> list[str]:
        body = _operation_body(node["operation"], entity="requires" in node)
        if "requires" not in node:
            return [self._head(node), *_indented(body), "}"]
        requires = ["{", *_indented(_requires_lines(node["requires"])), "} =>"]
        return [self._head(node), *_indented([*requires, *body]), "}"]

    def _batch(self, node: Mapping[str, Any]) -> list[str]:
        inner: list[str] = []
        for call in node["entityBatch"]["aliases"]:
            paths = ", ".join(f'"{".".join(path)}"' for path in call["paths"])
            inner += [f"{call['alias']}(paths: [{paths}]) {{", "  {"]
            inner += ["    " + line for line in _requires_lines(call["requires"])]
            inner += ["  }", "}"]
        inner += _operation_body(node["operation"], entity=False)
        return [self._head(node), *_indented(inner), "}"]


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
