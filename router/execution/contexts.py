"""Objects with different context arguments in one request (``@fromContext``).

An argument has one value in an ``_entities`` field, so objects with other values get a field of their
own, under another alias and with variables of its own::

    _entities(representations: $representations){...on Bed{sign(l: $lang)}}
    _entities_1:_entities(representations: $representations_1){...on Bed{sign(l: $lang_1)}}

The answer is read as if there had been one field for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeAlias

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    strip_ignored_characters,
    visit,
)
from msgspec import Struct

from router.errors import SubgraphError
from router.execution.client import Outcome, SubgraphAnswer
from router.execution.merging import Wanted
from router.execution.steps import FetchStep

__all__ = ["Parcel", "parcels"]

MOST_FIELDS: Final = 100
"""Fields for one call in one request; more values travel in another request."""

_Groups: TypeAlias = Sequence[Sequence[Wanted]]


def parcels(step: FetchStep, gathered: Sequence[Mapping[bytes, Wanted]]) -> list[Parcel]:
    """The requests that a step makes: none where it has nothing to ask for."""
    calls = [_by_context(wanted) for wanted in gathered]
    longest = max(map(len, calls), default=0)
    return [
        Parcel(step, [groups[start : start + MOST_FIELDS] for groups in calls])
        for start in range(0, longest, MOST_FIELDS)
    ]


def _by_context(wanted: Mapping[bytes, Wanted]) -> list[list[Wanted]]:
    groups: dict[bytes, list[Wanted]] = {}
    for one in wanted.values():
        groups.setdefault(orjson.dumps(one.context), []).append(one)
    return list(groups.values())


class Parcel(Struct):
    """One request; ``calls`` gives, for each call of the step, its objects by context."""

    step: FetchStep
    calls: Sequence[_Groups]

    @property
    def is_plain(self) -> bool:
        """Whether the operation will do as it stands in the plan."""
        return all(
            len(groups) == 1 or (not groups and not each.call.context)
            for each, groups in zip(self.step.calls, self.calls, strict=True)
        )

    @property
    def operation(self) -> str | None:
        """The operation with as many fields as there are different contexts; None: the plan's will do."""
        if self.is_plain:
            return None
        fetch = self.step.fetch
        names = tuple(
            (each.alias, (each.variable, *(argument.variable for argument in each.context)))
            for each in fetch.entities
        )
        return _repeated(fetch.operation, names, tuple(map(len, self.calls)), self._mark)

    @property
    def _mark(self) -> str:
        """What comes before a number, so that no variable of the client has the name."""
        mark = "_"
        while any(mark in use.name for use in self.step.fetch.variables):
            mark += "_"
        return mark

    def _name(self, variable: str, number: int) -> str:
        return f"{variable}{self._mark}{number}" if number else variable

    def variables(self) -> dict[str, Any]:
        """The representations and the values of the context arguments."""
        found: dict[str, Any] = {}
        for each, groups in zip(self.step.calls, self.calls, strict=True):
            for number, wanted in enumerate(groups):
                given = {each.call.variable: [one.sent for one in wanted], **wanted[0].context}
                found.update((self._name(name, number), value) for name, value in given.items())
            if not groups and self.is_plain:
                found[each.call.variable] = []
        return found

    def sent(self) -> dict[int, Sequence[bytes]]:
        """The keys of all that was sent, by call."""
        return {
            each.index: [one.key for wanted in groups for one in wanted]
            for each, groups in zip(self.step.calls, self.calls, strict=True)
        }

    def joined(self, outcome: Outcome) -> Outcome:
        """The answer as if each call had been one field."""
        if self.is_plain or isinstance(outcome, SubgraphError):
            return outcome
        data = outcome.data
        if isinstance(data, dict):
            data = {
                each.call.alias: list(self._items(data, each.call.alias, groups))
                for each, groups in zip(self.step.calls, self.calls, strict=True)
            }
        errors = tuple(map(self._placed, outcome.errors))
        return SubgraphAnswer(data, errors, outcome.extensions)

    def _items(self, data: Mapping[str, Any], alias: str, groups: _Groups) -> Iterator[Any]:
        for number, wanted in enumerate(groups):
            items = data.get(_numbered(alias, number))
            yield from items if isinstance(items, list) else [None] * len(wanted)

    def _placed(self, error: Any) -> Any:
        path = error.get("path") if isinstance(error, dict) else None
        if not isinstance(path, list) or len(path) < 2 or type(path[1]) is not int:
            return error
        for each, groups in zip(self.step.calls, self.calls, strict=True):
            before = 0
            for number, wanted in enumerate(groups):
                if path[0] == _numbered(each.call.alias, number):
                    return {**error, "path": [each.call.alias, before + path[1], *path[2:]]}
                before += len(wanted)
        return error


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


@lru_cache(maxsize=256)
def _repeated(
    operation: str,
    calls: tuple[tuple[str, tuple[str, ...]], ...],
    counts: tuple[int, ...],
    mark: str,
) -> str:
    """The operation with each call as many times as the counts say."""
    definition, *fragments = parse(operation, no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    fields = {
        node.alias.value if node.alias else node.name.value: node
        for node in definition.selection_set.selections
        if isinstance(node, FieldNode)
    }
    named = {
        each.name.value: each for each in fragments if isinstance(each, FragmentDefinitionNode)
    }
    own = {name: position for position, (_, names) in enumerate(calls) for name in names}
    declared: list[VariableDefinitionNode] = []
    for each in definition.variable_definitions or ():
        name = each.variable.name.value
        count = counts[own[name]] if name in own else 1
        declared += [each] if count else []
        declared += (_renamed(each, {name}, f"{mark}{k}", named) for k in range(1, count))
    repeated: list[FieldNode] = []
    for (alias, names), count in zip(calls, counts, strict=True):
        repeated += [fields[alias]] if count else []
        for number in range(1, count):
            renamed = _renamed(fields[alias], set(names), f"{mark}{number}", named)
            repeated.append(replace(renamed, alias=NameNode(value=_numbered(alias, number))))
    made = replace(
        definition,
        variable_definitions=(),
        selection_set=replace(definition.selection_set, selections=tuple(repeated)),
    )
    using = _Using(named)
    visit(made, using)
    kept = [each for each in declared if each.variable.name.value in using.variables]
    nodes = (replace(made, variable_definitions=tuple(kept)), *using.fragments.values())
    return strip_ignored_characters("\n".join(map(print_ast, nodes)))


class _Using(Visitor):
    """Finds what is used: a subgraph refuses what is declared for a call that is left out."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self._known = fragments

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        name = node.name.value
        if name not in self.fragments:
            self.fragments[name] = self._known[name]
            visit(self._known[name], self)


def _renamed(
    node: Any, names: set[str], ending: str, fragments: Mapping[str, FragmentDefinitionNode]
) -> Any:
    return visit(node, _Renaming(names, ending, fragments))


class _Renaming(Visitor):
    """Numbers variables; named fragments have the first ones, so they are written out."""

    def __init__(
        self, names: set[str], ending: str, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        super().__init__()
        self._names = names
        self._ending = ending
        self._fragments = fragments

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> InlineFragmentNode:
        definition = self._fragments[node.name.value]
        return InlineFragmentNode(
            type_condition=definition.type_condition,
            directives=node.directives,
            selection_set=definition.selection_set,
        )

    def leave_variable(self, node: VariableNode, *_: Any) -> VariableNode | None:
        if node.name.value not in self._names:
            return None
        return VariableNode(name=NameNode(value=node.name.value + self._ending))
