"""A failing case made small: whatever can go while it still fails in the same way goes.

``python -m tests.router.oracle.reduce SEED`` prints the SDLs and the operation that are left.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from router.composition.errors import CompositionFailed

from .blame import is_meant
from .case import Case
from .federation import Federation
from .world import World

__all__ = ["reduced", "symptom"]


def symptom(world: World, operation: str, variables: Mapping[str, Any], labels: Any) -> str | None:
    """Return in which way the case fails, None where it does not (or says nothing)."""
    try:
        federation = Federation(world)
    except CompositionFailed:
        return None
    except Exception as error:  # worlds of nonsense break in many ways
        return f"federation {type(error).__name__}"
    try:
        document = parse(operation)
        if validate(federation.supergraph.operation_schema, document):
            return None
        case = Case(federation, operation, variables, labels)
        if not all(map(is_meant, case.oracle()[1])):
            return None  # the world has lost what its own values are made of
        asyncio.run(asyncio.wait_for(case.check(), 20))
    except AssertionError as error:
        return str(error).rsplit("\n\n", 1)[-1][:20]
    except Exception as error:
        return type(error).__name__
    return None


def reduced(case: Case) -> Case:
    """Return the smallest case found that fails as this one does."""
    world, operation = deepcopy(case.federation.world), case.operation
    variables, labels = case.variables, case.labels
    wanted = symptom(world, operation, variables, labels)
    assert wanted, "it does not fail"
    progress = True
    while progress:
        progress = False
        for smaller in _smaller_operations(operation):
            if symptom(world, smaller, variables, labels) == wanted:
                operation, progress = smaller, True
                break
        if progress:
            continue
        tried = 0
        while True:
            candidate = deepcopy(world)
            steps = list(_removals(candidate))
            if tried >= len(steps):
                break
            steps[tried]()
            if symptom(candidate, operation, variables, labels) == wanted:
                world, progress = candidate, True
            else:
                tried += 1
    return Case(Federation(world), operation, variables, labels)


def _removals(world: World) -> Iterator[Callable[[], object]]:
    """Yield what can be taken out of the world, the large things first."""
    for subgraph in world.schemas:
        yield lambda s=subgraph: world.schemas.pop(s)  # type: ignore[misc]
    for name in dict.fromkeys(n for schema in world.schemas.values() for n in schema):
        yield lambda n=name: [schema.pop(n, None) for schema in world.schemas.values()]  # type: ignore[misc]
    for schema in world.schemas.values():
        for name in schema:
            yield lambda s=schema, n=name: s.pop(n)  # type: ignore[misc]
    for schema in world.schemas.values():
        for each in schema.values():
            for field in each.fields:
                yield lambda e=each, f=field: e.fields.pop(f)  # type: ignore[misc]
            for member in each.members:
                yield lambda e=each, m=member: e.members.remove(m)  # type: ignore[misc]
            for interface in each.interfaces:
                yield lambda e=each, i=interface: e.interfaces.remove(i)  # type: ignore[misc]
            for directive in [d for d in each.directives if d.name != "external"]:
                yield lambda e=each, d=directive: e.directives.remove(d)  # type: ignore[misc]
            for field in each.fields.values():
                for directive in [d for d in field.directives if d.name != "external"]:
                    yield lambda f=field, d=directive: f.directives.remove(d)  # type: ignore[misc]
                for arg in field.args:
                    yield lambda f=field, a=arg: f.args.remove(a)  # type: ignore[misc]


def _smaller_operations(operation: str) -> Iterator[str]:
    """Yield the operation without one selection, or with one made plainer."""
    document = parse(operation, no_location=True)
    whole = _tidied(print_ast(document))
    sets = _Sets()
    visit(document, sets)
    for index, size in enumerate(sets.sizes):
        for number in range(size):
            for way in (_drop, _unwrap, _bare):
                changed = visit(document, _Sets(index, number, way))
                try:
                    smaller = _tidied(print_ast(changed))
                except GraphQLSyntaxError:
                    continue  # nothing was left of a selection set
                if smaller != whole:
                    yield smaller


Way = Callable[[SelectionNode], Sequence[SelectionNode]]


def _drop(_: SelectionNode) -> Sequence[SelectionNode]:
    return ()


def _unwrap(each: SelectionNode) -> Sequence[SelectionNode]:
    return each.selection_set.selections if isinstance(each, InlineFragmentNode) else (each,)


def _bare(each: SelectionNode) -> Sequence[SelectionNode]:
    if isinstance(each, FieldNode):
        return (replace(each, alias=None, directives=()),)
    return (replace(each, directives=()),)


class _Sets(Visitor):
    """Counts selection sets; in the chosen one it changes the chosen selection."""

    def __init__(self, index: int = -1, number: int = 0, way: Way = _drop) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._index, self._number, self._way = index, number, way

    def enter_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode | None:
        """Count, and change."""
        self.sizes.append(len(node.selections))
        if len(self.sizes) - 1 != self._index:
            return None
        before, each = node.selections[: self._number], node.selections[self._number]
        after = node.selections[self._number + 1 :]
        selections = (*before, *self._way(each), *after)
        return SelectionSetNode(selections=selections) if selections else None


def _tidied(text: str) -> str:
    """Take out the fragments and variables that nobody uses any more."""
    kept = []
    for each in parse(text, no_location=True).definitions:
        if isinstance(each, FragmentDefinitionNode) and f"...{each.name.value}" not in text:
            continue
        if isinstance(each, OperationDefinitionNode):
            used = tuple(
                variable
                for variable in each.variable_definitions or ()
                if text.count(f"${variable.variable.name.value}") > 1
            )
            each = replace(each, variable_definitions=used)
        kept.append(print_ast(each))
    return " ".join(kept)


async def first_failure(seed: int) -> Case | None:
    """Return the first operation of the seed's world that fails."""
    rng = Random(seed)
    federation = Federation.random(rng)
    if federation is None:
        return None
    for _ in range(5):
        case = Case.random(rng, federation)
        try:
            await case.check()
        except Exception:
            return case
    return None


if __name__ == "__main__":
    found = asyncio.run(first_failure(int(sys.argv[1])))
    if found is None:
        sys.exit("nothing fails")
    small = reduced(found)
    try:
        asyncio.run(small.check())
    except Exception as error:
        print(error)
