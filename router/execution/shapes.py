"""What a fetch brings: its selection read back as nested response keys.

A shape forgets arguments and type conditions: it says which keys an answer *may* hold at a
place. The generated code asks it from which answers a client's field can come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)
from msgspec import Struct
from msgspec.structs import replace

from router.planning.plan import Fetch, OperationKind, Rename

__all__ = ["Shape", "Shapes", "Slot", "read_shapes", "unite"]

_Part = tuple[SelectionSetNode, str | None, bool]
"""A selection set, the type that its fields are of, where that is known, and whether it is asked of
all objects that stand there."""


class Slot(Struct, eq=False):
    """One response key.

    ``shape`` is None for leaves. ``sure``: selected without a condition, so a well-made answer
    has it. ``named`` is the named type of its values and ``lists`` their list levels, where the
    supergraph knows one for all objects that stand there; ``static`` is ``named`` where that is an
    object type.
    """

    shape: Shape | None
    sure: bool
    named: str | None
    static: str | None
    lists: int | None


class Shape(Struct, eq=False):
    """The response keys of a place; compared by identity."""

    slots: dict[str, Slot]


class Shapes(Struct, frozen=True):
    """The shape of a root fetch's data, and that of each ``_entities`` call by alias."""

    root: Shape
    calls: dict[str, Shape]


def read_shapes(fetch: Fetch, schema: GraphQLSchema) -> Shapes:
    """Read the shapes of a fetch from its operation's text."""
    document = parse(fetch.operation, no_location=True)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    operation = next(
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    )
    root = {
        OperationKind.QUERY: schema.query_type,
        OperationKind.MUTATION: schema.mutation_type,
        OperationKind.SUBSCRIPTION: schema.subscription_type,
    }[fetch.kind]
    if not fetch.entities:
        reader = _Reader(schema, fragments, fetch.renames)
        part = (operation.selection_set, root.name if root else None, True)
        return Shapes(reader.shape([part]), {})
    selections = {
        node.alias.value if node.alias else node.name.value: node.selection_set
        for node in operation.selection_set.selections
        if isinstance(node, FieldNode)
    }
    calls = {}
    for call in fetch.entities:
        reader = _Reader(schema, fragments, (*fetch.renames, *call.renames))
        selection = selections.get(call.alias)
        calls[call.alias] = reader.shape(
            [(selection, None, True)] if selection else [], entities=True
        )
    return Shapes(Shape({}), calls)


def unite(shapes: Iterable[Shape]) -> Shape:
    """Return the shape of a place to which several answers contribute."""
    slots: dict[str, Slot] = {}
    for shape in shapes:
        for key, slot in shape.slots.items():
            known = slots.get(key)
            # an object may have come from one answer alone, without the keys of the other
            slots[key] = _unsure(slot) if known is None else _unite_slots(known, slot)
    return Shape(slots)


def _unsure(slot: Slot) -> Slot:
    return replace(slot, sure=False)


def _unite_slots(one: Slot, two: Slot) -> Slot:
    if one.shape is not None and two.shape is not None:
        shape: Shape | None = unite((one.shape, two.shape))
    else:
        shape = one.shape or two.shape
    return Slot(
        shape,
        sure=False,
        named=one.named if one.named == two.named else None,
        static=one.static if one.static == two.static else None,
        lists=one.lists if one.lists == two.lists else None,
    )


class _Reader:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        renames: tuple[Rename, ...],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        # aliases are unique in their selection, so the path does not matter here
        self._renames = {rename.alias: rename.name for rename in renames}

    def shape(self, parts: list[_Part], *, entities: bool = False) -> Shape:
        found: dict[str, list[tuple[FieldNode, str | None, bool]]] = {}
        for selection_set, parent, of_all in parts:
            # the one fragment of an ``_entities`` call applies to all that was asked for
            alone = entities and len(selection_set.selections) == 1
            for node, owner, sure in self._fields(selection_set, parent, of_all, alone=alone):
                key = node.alias.value if node.alias else node.name.value
                if key in self._renames:
                    key, sure = self._renames[key], False
                found.setdefault(key, []).append((node, owner, sure))
        return Shape({key: self._slot(nodes) for key, nodes in found.items()})

    def _slot(self, nodes: list[tuple[FieldNode, str | None, bool]]) -> Slot:
        parts: list[_Part] = []
        names: set[str | None] = set()
        levels: set[int | None] = set()
        for node, owner, sure in nodes:
            of, lists = self._type_of(owner, node.name.value)
            names.add(of)
            levels.add(lists)
            if node.selection_set is not None:
                parts.append((node.selection_set, of, sure or len(nodes) == 1))
        named = names.pop() if len(names) == 1 else None
        is_object = isinstance(self._schema.type_map.get(named or ""), GraphQLObjectType)
        return Slot(
            self.shape(parts) if parts else None,
            sure=any(sure for _, _, sure in nodes),
            named=named,
            static=named if is_object else None,
            lists=levels.pop() if len(levels) == 1 else None,
        )

    def _fields(
        self, selection_set: SelectionSetNode, parent: str | None, sure: bool, *, alone: bool
    ) -> Iterator[tuple[FieldNode, str | None, bool]]:
        for node in selection_set.selections:
            plain = sure and not node.directives
            if isinstance(node, FieldNode):
                yield node, parent, plain
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                on: str | None = fragment.type_condition.name.value
                inner = fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition.name.value if node.type_condition else parent
                inner = node.selection_set
            else:
                continue
            applies = plain and (on == parent or alone)
            yield from self._fields(inner, on, applies, alone=False)

    def _type_of(self, owner: str | None, name: str) -> tuple[str | None, int | None]:
        kind = self._schema.type_map.get(owner or "")
        if not isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            return None, None
        field = kind.fields.get(name)
        if field is None:
            return None, None
        lists, of = 0, field.type
        while isinstance(of, (GraphQLList, GraphQLNonNull)):
            lists += isinstance(of, GraphQLList)
            of = of.of_type
        return of.name, lists
