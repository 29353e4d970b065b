"""Document -> normalised :class:`Operation`.

One walk does what belongs together: constants of ``@skip``/``@include`` are folded, fragments
inlined, fragments that add nothing or can never match removed, equal siblings merged,
introspection and root ``__typename`` taken out. The executor keeps the client's own document;
nothing here decides what the answer looks like.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveLocation,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    print_ast,
)
from msgspec import Struct, field
from msgspec.structs import replace

from router.errors import OperationInvalid
from router.planning.directives import conditions_of, forwarded, printed, variables_in
from router.planning.earlier import forms
from router.planning.plan import EACH, OnTypes, OperationKind, Path, VariableUse, When
from router.planning.selection import (
    Conditions,
    Defer,
    Field,
    Fragment,
    Selection,
    Selections,
    conjunction,
)
from router.supergraph import Supergraph

__all__ = ["MAX_SELECTIONS", "Operation", "normalise", "select_operation"]

MAX_SELECTIONS: Final = 100_000
"""Selections counted with fragments expanded; beyond it an operation is refused unplanned."""

_Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
_HIDING_ALIAS: Final = (
    "Field {!r} has the alias '__typename', under which the router keeps the runtime type; "
    "choose another alias."
)


class Operation(Struct, frozen=True, kw_only=True):
    """An operation ready for path finding.

    ``occupied`` tells, per position (response keys from the root), which field the client put
    under which response key: internal fields must not take those names. ``variables`` are the
    declarations in order. ``others``: the selections if deferred parts ask for objects of their own,
    where there is a choice. ``directives`` are printed, with their variables, by the kind of
    request that they go along with.
    """

    kind: OperationKind
    name: str | None
    root: str
    selections: Selections
    variables: Mapping[str, VariableUse]
    occupied: Mapping[tuple[str, ...], Mapping[str, tuple[str, str]]]
    defers: tuple[Defer, ...] = ()
    others: tuple[Selections, ...] = ()
    directives: Mapping[OperationKind, tuple[str, tuple[str, ...]]] = {}

    @property
    def may_leave_out(self) -> bool:
        """Whether there are variables that could leave fields out."""
        return any(use.type in ("Boolean", "Boolean!") for use in self.variables.values())


def select_operation(
    document: DocumentNode, operation_name: str | None
) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """Find the operation to run and the fragments beside it (GraphQL spec, 6.1)."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    if operation_name is None:
        if len(operations) == 1:
            return operations[0], fragments
        message = "Must provide operation name if query contains multiple operations."
        if not operations:
            message = "Must provide an operation."
        raise OperationInvalid([{"message": message}])
    for operation in operations:
        if operation.name is not None and operation.name.value == operation_name:
            return operation, fragments
    raise OperationInvalid([{"message": f"Unknown operation named '{operation_name}'."}])


def normalise(
    document: DocumentNode,
    operation_name: str | None,
    supergraph: Supergraph,
    *,
    defer: bool = False,
) -> Operation:
    """Normalise one operation of a valid document.

    ``defer``: keep ``@defer`` (otherwise its fragments are ordinary ones). Raises
    OperationInvalid where the operation is missing or too large.
    """
    node, fragments = select_operation(document, operation_name)
    _refuse(node, fragments)
    kind = OperationKind(node.operation.value)
    root = supergraph.roots.get(kind.value)
    if root is None:
        raise OperationInvalid([{"message": f"The schema has no {kind.value} root."}])
    walk = _Walk(supergraph, fragments, defer=defer, kind=kind)
    runtime = frozenset((root,))
    selections = walk.selections([node.selection_set], _Place(root, runtime, runtime))
    others: tuple[Selections, ...] = ()
    if walk.defers:
        selections, *more = forms(selections, root, supergraph)
        others = tuple(more)
    return Operation(
        kind=kind,
        name=node.name.value if node.name else None,
        root=root,
        selections=selections,
        others=others,
        directives=_directives_by_kind(node, supergraph) if node.directives else {},
        variables={
            definition.variable.name.value: VariableUse(
                definition.variable.name.value,
                print_ast(definition.type),
                print_ast(definition.default_value) if definition.default_value else None,
            )
            for definition in node.variable_definitions or ()
        },
        occupied=walk.occupied,
        defers=tuple(walk.defers),
    )


def _directives_by_kind(
    node: OperationDefinitionNode, supergraph: Supergraph
) -> dict[OperationKind, tuple[str, tuple[str, ...]]]:
    return {
        kind: printed(forwarded(node.directives, supergraph.schema, DirectiveLocation[kind.name]))
        for kind in OperationKind
    }


def _refuse(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> None:
    """Refuse what is too large or hides a runtime type, though a condition excludes it."""
    sizes: dict[str, int] = {}

    def size(node: SelectionSetNode) -> int:
        total = 0
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                _refuse_hiding_alias(selection)
            match selection:
                case FragmentSpreadNode():
                    name = selection.name.value
                    if name not in sizes:
                        sizes[name] = 0  # a cycle is invalid; counting it once ends the walk
                        if name in fragments:
                            sizes[name] = size(fragments[name].selection_set)
                    total += 1 + sizes[name]
                case FieldNode() if selection.selection_set is None:
                    total += 1
                case FieldNode() | InlineFragmentNode():
                    assert selection.selection_set is not None
                    total += 1 + size(selection.selection_set)
        return total

    if (total := size(operation.selection_set)) > MAX_SELECTIONS:
        raise OperationInvalid(
            [{"message": f"The operation selects {total} fields; {MAX_SELECTIONS} are allowed."}]
        )


def _refuse_hiding_alias(node: FieldNode) -> None:
    name = node.name.value
    if node.alias is not None and node.alias.value == "__typename" != name:
        raise OperationInvalid([{"message": _HIDING_ALIAS.format(name)}])


class _FieldGroup(Struct):
    node: FieldNode
    when: Conditions
    directives: str
    variables: tuple[str, ...]
    sources: list[SelectionSetNode] = field(default_factory=list)


class _Place(Struct, frozen=True):
    """Where a selection set stands.

    ``runtime``: the types its object can have, of ``declared``, those of the field's type;
    ``path``: where its objects lie; ``enclosing``: conditions already in force;
    ``interface_object``: whether some subgraph may answer without knowing the runtime type;
    ``leaves``: what the selections around ask of the object anyway.
    """

    parent: str
    runtime: frozenset[str]
    declared: frozenset[str]
    position: tuple[str, ...] = ()
    path: Path = ()
    enclosing: Conditions = ()
    interface_object: bool = False
    leaves: frozenset[tuple[object, ...]] = frozenset()

    @property
    def objects(self) -> Path:
        """The path of the objects meant here: of some types only, below a fragment."""
        if self.runtime == self.declared:
            return self.path
        return (*self.path, OnTypes(tuple(sorted(self.runtime))))

    def under(self, when: Conditions) -> _Place:
        """The place with more conditions in force."""
        if not when:
            return self
        enclosing = conjunction(self.enclosing, when)
        assert enclosing is not None  # contradictions were dropped on the way here
        return replace(self, enclosing=enclosing)


class _FragmentGroup(Struct):
    on: str | None
    place: _Place
    when: Conditions
    directives: str
    variables: tuple[str, ...]
    defer: Defer | None
    sources: list[SelectionSetNode] = field(default_factory=list)


_Groups: TypeAlias = dict[tuple[object, ...], "_FieldGroup | _FragmentGroup"]


class _Walk:
    def __init__(
        self,
        supergraph: Supergraph,
        fragments: Mapping[str, FragmentDefinitionNode],
        *,
        defer: bool,
        kind: OperationKind,
    ) -> None:
        self.supergraph = supergraph
        self.schema = supergraph.schema
        self.fragments = fragments
        self.defer = defer and kind is not OperationKind.SUBSCRIPTION
        self.defers: list[Defer] = []
        self.occupied: dict[tuple[str, ...], dict[str, tuple[str, str]]] = {}
        self._within: Defer | None = None
        self.interface_objects = frozenset(
            view.name
            for subgraph in supergraph.subgraphs.values()
            for view in subgraph.types.values()
            if view.is_interface_object
        )
        self.query_root = supergraph.roots["query"]

    def selections(self, sources: Iterable[SelectionSetNode], place: _Place) -> Selections:
        """Merge and simplify the selection sets of one place."""
        groups: _Groups = {}
        for source in sources:
            self._collect(source, (), place, groups)
        return self._finish(groups, place)

    def _collect(
        self, source: SelectionSetNode, when: Conditions, place: _Place, groups: _Groups
    ) -> None:
        for selection in source.selections:
            own = conditions_of(selection.directives)
            conditions = None if own is None else conjunction(when, own)
            if conditions is None or conjunction(place.enclosing, conditions) is None:
                continue
            conditions = tuple(w for w in conditions if w not in place.enclosing)
            if isinstance(selection, FieldNode):
                self._collect_field(selection, conditions, place, groups)
            elif isinstance(selection, (FragmentSpreadNode, InlineFragmentNode)):
                self._collect_fragment(selection, conditions, place, groups)

    def _collect_field(
        self, node: FieldNode, when: Conditions, place: _Place, groups: _Groups
    ) -> None:
        name = node.name.value
        if name == "__typename" and not place.interface_object:
            return  # known wherever the object is: the executor answers it
        if name in {"__schema", "__type"} and place.parent == self.query_root:
            return
        directives, variables = self._directives(node, DirectiveLocation.FIELD)
        key = (
            "field",
            node.alias.value if node.alias and name != "__typename" else name,
            name,
            _printed_arguments(node),
            directives,
            when,
        )
        group = groups.get(key)
        if group is None:
            group = groups[key] = _FieldGroup(node, when, directives, variables)
        if node.selection_set is not None:
            group.sources.append(node.selection_set)

    def _collect_fragment(
        self,
        node: FragmentSpreadNode | InlineFragmentNode,
        when: Conditions,
        place: _Place,
        groups: _Groups,
    ) -> None:
        if isinstance(node, FragmentSpreadNode):
            definition = self.fragments.get(node.name.value)
            if definition is None:
                return
            on: str | None = definition.type_condition.name.value
            inner = definition.selection_set
        else:
            on = node.type_condition.name.value if node.type_condition else None
            inner = node.selection_set
        if on is not None:
            runtime = place.runtime & self.supergraph.runtime_types(on)
            if not runtime:
                return
            if runtime != place.runtime:
                place = replace(place, runtime=runtime)
            if self._adds_nothing(on, place.parent):
                on = None
        defer = self._deferred(node, on, inner, place, when)
        directives, variables = self._directives(node, DirectiveLocation.INLINE_FRAGMENT)
        if on is None and not directives and defer is None:
            self._collect(inner, when, place, groups)
            return
        key = ("fragment", on, directives, when, defer)
        group = groups.get(key)
        if group is None:
            inside = replace(place, parent=on or place.parent)
            group = groups[key] = _FragmentGroup(on, inside, when, directives, variables, defer)
        group.sources.append(inner)

    def _directives(
        self, node: SelectionNode, location: DirectiveLocation
    ) -> tuple[str, tuple[str, ...]]:
        if not node.directives:
            return "", ()
        return printed(forwarded(node.directives, self.schema, location))

    def _adds_nothing(self, on: str, parent: str) -> bool:
        if on == parent:
            return True
        named = self.schema.type_map.get(parent)
        if isinstance(named, GraphQLObjectType):
            return True  # the runtime types overlap, so this object is always of that type
        return isinstance(named, GraphQLInterfaceType) and any(
            interface.name == on for interface in named.interfaces
        )

    def _deferred(
        self,
        node: FragmentSpreadNode | InlineFragmentNode,
        on: str | None,
        inner: SelectionSetNode,
        place: _Place,
        when: Conditions,
    ) -> Defer | None:
        directive = next((d for d in node.directives or () if d.name.value == "defer"), None)
        if not self.defer or directive is None:
            return None
        arguments = {a.name.value: a.value for a in directive.arguments or ()}
        condition, label = arguments.get("if"), arguments.get("label")
        if isinstance(condition, BooleanValueNode) and not condition.value:
            return None
        text = _block_text(inner, self.fragments)
        defer = Defer(
            number=len(self.defers) + 1,
            label=f"d{len(self.defers)}",
            client_label=label.value if isinstance(label, StringValueNode) else None,
            path=place.objects,
            selection=f"... on {on} {{ {text} }}" if on is not None else text,
            parent=self._within,
            when=(
                (When(condition.name.value, True),) if isinstance(condition, VariableNode) else ()
            ),
            exists=place.under(when).enclosing,
        )
        self.defers.append(defer)
        return defer

    def _finish(self, groups: _Groups, place: _Place) -> Selections:
        finished: list[Selection] = []
        unconditional = {key[1:5] for key, group in groups.items() if not group.when}
        leaves = place.leaves | unconditional
        for key, group in groups.items():
            if isinstance(group, _FieldGroup):
                if group.when and not group.sources and key[1:5] in leaves:
                    continue  # a leaf that is fetched anyway
                finished.append(self._field(group, place))
                continue
            around, self._within = self._within, group.defer or self._within
            selections = self.selections(
                group.sources,
                replace(
                    group.place,
                    enclosing=place.under(group.when).enclosing,
                    leaves=leaves,
                ),
            )
            self._within = around
            if selections or group.defer is not None:
                finished.append(
                    Fragment(
                        group.on,
                        selections,
                        group.directives,
                        group.variables,
                        group.when,
                        group.defer,
                    )
                )
        return tuple(finished)

    def _field(self, group: _FieldGroup, place: _Place) -> Field:
        node = group.node
        name = node.name.value
        if name == "__typename":
            return Field("__typename", name, "String", when=group.when)
        owner = self.schema.type_map[place.parent]
        assert isinstance(owner, (GraphQLObjectType, GraphQLInterfaceType))
        declared = owner.fields[name].type
        named = get_named_type(declared)
        key = node.alias.value if node.alias else name
        arguments = _printed_arguments(node)
        lists = _list_levels(declared)
        self.occupied.setdefault(place.position, {}).setdefault(key, (name, arguments))
        selections: Selections = ()
        if group.sources:
            possible = self.supergraph.runtime_types(named.name)
            below = _Place(
                named.name,
                possible,
                possible,
                (*place.position, key),
                (*place.objects, key, *(EACH,) * lists),
                place.under(group.when).enclosing,
                named.name in self.interface_objects,
            )
            selections = self.selections(group.sources, below)
        return Field(
            key=key,
            name=name,
            type_name=named.name,
            lists=lists,
            arguments=arguments,
            directives=group.directives,
            variables=(*variables_in(a.value for a in node.arguments or ()), *group.variables),
            when=group.when,
            composite=is_composite_type(named),
            selections=selections,
        )


def _block_text(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> str:
    """A deferred block's own selection: fragments inlined, inner deferred blocks marked.

    Whether an inner block is one is decided at run time, by its ``if``.
    """
    parts: list[str] = []
    for node in selections.selections:
        if isinstance(node, FieldNode):
            if node.selection_set is None:
                parts.append(print_ast(node))
                continue
            head = print_ast(dataclasses.replace(node, selection_set=None))
            parts.append(f"{head} {{ {_block_text(node.selection_set, fragments)} }}")
            continue
        if isinstance(node, FragmentSpreadNode):
            definition = fragments[node.name.value]
            on, inner = f" on {definition.type_condition.name.value}", definition.selection_set
        else:
            assert isinstance(node, InlineFragmentNode)
            condition, inner = node.type_condition, node.selection_set
            on = f" on {condition.name.value}" if condition is not None else ""
        marks = "".join(f" {print_ast(d)}" for d in node.directives or ())
        parts.append(f"...{on}{marks} {{ {_block_text(inner, fragments)} }}")
    return " ".join(parts)


def _list_levels(declared: object) -> int:
    levels = 0
    current = get_nullable_type(declared)  # type: ignore[call-overload]
    while is_list_type(current):
        levels += 1
        current = get_nullable_type(current.of_type)
    return levels


def _printed_arguments(node: FieldNode) -> str:
    if not node.arguments:
        return ""
    if len(node.arguments) == 1:
        return print_ast(node.arguments[0])
    return ", ".join(sorted(print_ast(argument) for argument in node.arguments))
