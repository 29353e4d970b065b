"""What an operation weighs: its shape, counted before validation, and its static cost.

Shape (depth, height, aliases, root fields, directives) is measured on the document with fragments
expanded, each fragment once and by arithmetic, so that a small document that expands to
millions of fields is refused in microseconds. Cost follows the IBM cost specification as
``@cost`` and ``@listSize`` state it, with the request's variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)
from msgspec import Struct

from router.contracts.annotations import Annotations
from router.contracts.contract import ContractLimits
from router.errors import RequestError

__all__ = ["Costs", "LimitExceeded", "Shape", "check_shape", "measure", "page_sizes"]

_PAGE_ARGUMENTS: Final = frozenset({"first", "last", "limit", "pageSize"})
_CEILING: Final = 10**12
"""Counts stop here: beyond it nobody cares how many more."""


class LimitExceeded(RequestError):
    """The operation is larger than its client's contract allows."""


class Shape(Struct):
    """Counts of one operation with its fragments expanded."""

    depth: int = 0
    height: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0


def check_shape(
    document: DocumentNode, operation: OperationDefinitionNode, limits: ContractLimits
) -> None:
    """Raise :class:`LimitExceeded` when the operation is larger than ``limits``."""
    try:
        shape = measure(document, operation)
    except RecursionError as error:  # fragments in fragments are deep without deep brackets
        raise LimitExceeded("The document is nested too deeply.", code="MAX_DEPTH_LIMIT") from error
    for name, found, allowed, code in (
        ("is nested", shape.depth, limits.depth, "MAX_DEPTH_LIMIT"),
        ("selects fields", shape.height, limits.height, "MAX_HEIGHT_LIMIT"),
        ("uses aliases", shape.aliases, limits.aliases, "MAX_ALIASES_LIMIT"),
        ("selects root fields", shape.root_fields, limits.root_fields, "MAX_ROOT_FIELDS_LIMIT"),
        ("applies directives", shape.directives, limits.directives, "MAX_DIRECTIVES_LIMIT"),
    ):
        if allowed is not None and found > allowed:
            raise LimitExceeded(
                f"The operation {name} {found} times; {allowed} is the most.", code=code
            )


def measure(document: DocumentNode, operation: OperationDefinitionNode) -> Shape:
    """Measure one operation; a fragment that spreads itself counts once, validation refuses it."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    counter = _Counter(fragments)
    shape = counter.selection_set(operation.selection_set)
    shape.directives += len(operation.directives or ())
    return shape


def page_sizes(operation: DocumentNode, variables: Mapping[str, Any], limit: int) -> None:
    """Refuse a page-size argument above ``limit``, given literally or by a variable."""
    for name, size in _page_arguments(operation, variables):
        if size > limit:
            raise LimitExceeded(
                f"{name!r} asks for {size} items; {limit} is the most.", code="MAX_PAGE_SIZE_LIMIT"
            )


class _Counter:
    """Measures each fragment once; a fragment met inside itself is no fault of this kind."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, Shape] = {}
        self.open: set[str] = set()

    def selection_set(self, selections: SelectionSetNode) -> Shape:
        total = Shape()
        for selection in selections.selections:
            part = self.selection(selection)
            total.depth = max(total.depth, part.depth)
            total.height = min(total.height + part.height, _CEILING)
            total.aliases = min(total.aliases + part.aliases, _CEILING)
            total.root_fields = min(total.root_fields + part.root_fields, _CEILING)
            total.directives = min(total.directives + part.directives, _CEILING)
        return total

    def selection(self, selection: SelectionNode) -> Shape:
        match selection:
            case FieldNode():
                inner = (
                    self.selection_set(selection.selection_set)
                    if selection.selection_set
                    else Shape()
                )
                shape = Shape(
                    depth=inner.depth + 1,
                    height=inner.height + 1,
                    aliases=inner.aliases + (selection.alias is not None),
                    root_fields=1,
                    directives=inner.directives,
                )
            case InlineFragmentNode():
                shape = self.selection_set(selection.selection_set)
            case FragmentSpreadNode():
                shape = self.fragment(selection.name.value)
            case _:
                shape = Shape()
        directives: tuple[DirectiveNode, ...] = getattr(selection, "directives", None) or ()
        return Shape(
            shape.depth,
            shape.height,
            shape.aliases,
            shape.root_fields,
            shape.directives + len(directives),
        )

    def fragment(self, name: str) -> Shape:
        if name in self.known:
            return self.known[name]
        fragment = self.fragments.get(name)
        if fragment is None or name in self.open:
            return Shape()
        self.open.add(name)
        shape = self.selection_set(fragment.selection_set)
        shape.directives += len(fragment.directives or ())
        self.open.discard(name)
        self.known[name] = shape
        return shape


def _page_arguments(
    document: DocumentNode, variables: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    def walk(selections: SelectionSetNode) -> Iterator[tuple[str, int]]:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                for argument in selection.arguments or ():
                    if argument.name.value not in _PAGE_ARGUMENTS:
                        continue
                    size = _number(argument.value, variables)
                    if size is not None:
                        yield argument.name.value, size
            inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
            if inner is not None:
                yield from walk(inner)

    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            yield from walk(definition.selection_set)


def _number(node: Any, variables: Mapping[str, Any]) -> int | None:
    if isinstance(node, VariableNode):
        value = variables.get(node.name.value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return int(node.value) if isinstance(node, IntValueNode) else None


class Costs:
    """The static cost of operations on one schema.

    A field costs its ``@cost`` weight, else its type's, else 1 for composite types and 0 for
    leaves, plus the weights of the arguments used; below a list everything is multiplied by the
    list's size from ``@listSize``, or by ``default_list_size``.
    """

    def __init__(
        self, schema: GraphQLSchema, annotations: Annotations, default_list_size: int = 10
    ) -> None:
        self.schema = schema
        self.default_list_size = default_list_size
        self.weights = {
            place: float(uses[0].get("weight", 1))
            for place, uses in annotations.all("cost").items()
        }
        self.sizes = {place: uses[0] for place, uses in annotations.all("listSize").items()}

    def of(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
    ) -> float:
        """The cost of ``operation`` with coerced ``variables``; the document is valid.

        With the answer's ``data`` it is the actual cost: lists count as long as they came.
        """
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return 0.0
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        walk = _Walk(self, variables, fragments)
        return walk.selections(operation.selection_set, root, {}, data)

    def weight(self, place: str, definition: GraphQLField) -> float:
        if place in self.weights:
            return self.weights[place]
        named = get_named_type(definition.type)
        if named.name in self.weights:
            return self.weights[named.name]
        if is_abstract_type(named):
            possible = [
                self.weights.get(t.name, 1.0) for t in self.schema.get_possible_types(named)
            ]
            return max(possible, default=1.0)
        return 1.0 if is_composite_type(named) else 0.0

    def arguments(
        self, place: str, definition: GraphQLField, node: FieldNode, variables: Mapping[str, Any]
    ) -> float:
        total = 0.0
        for argument in node.arguments or ():
            name = argument.name.value
            total += self.weights.get(f"{place}({name}:)", 0.0)
            expected = definition.args.get(name)
            if expected is not None:
                value = value_from_ast_untyped(argument.value, dict(variables))
                total += self.input(get_named_type(expected.type), value)
        return total

    def input(self, expected: Any, value: Any) -> float:
        if isinstance(value, list):
            return sum(self.input(expected, item) for item in value)
        if not isinstance(expected, GraphQLInputObjectType) or not isinstance(value, Mapping):
            return self.weights.get(expected.name, 0.0) if value is not None else 0.0
        total = self.weights.get(expected.name, 0.0)
        for key, item in value.items():
            field = expected.fields.get(key)
            if field is not None:
                total += self.weights.get(f"{expected.name}.{key}", 0.0)
                total += self.input(get_named_type(field.type), item)
        return total

    def size(
        self,
        place: str,
        name: str,
        definition: GraphQLField,
        node: FieldNode,
        variables: Mapping[str, Any],
        sized: Mapping[str, int],
    ) -> int | None:
        """The assumed length of the field's list, None when it is no list."""
        kind = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        if not is_list_type(kind):
            return None
        if name in sized:
            return sized[name]
        rule = self.sizes.get(place)
        if rule is None or rule.get("sizedFields"):
            return self.default_list_size
        return self.sliced(rule, node, variables)

    def sliced(self, rule: Mapping[str, Any], node: FieldNode, variables: Mapping[str, Any]) -> int:
        given = []
        for argument in node.arguments or ():
            if argument.name.value in (rule.get("slicingArguments") or ()):
                size = _number(argument.value, variables)
                if size is not None:
                    given.append(max(size, 0))
        if given:
            return max(given)
        assumed = rule.get("assumedSize")
        return int(assumed) if assumed is not None else self.default_list_size

    def passed_sizes(
        self, place: str, node: FieldNode, variables: Mapping[str, Any]
    ) -> dict[str, int]:
        """Sizes that a connection's field hands to the lists inside it (``sizedFields``)."""
        rule = self.sizes.get(place)
        if rule is None or not rule.get("sizedFields"):
            return {}
        size = self.sliced(rule, node, variables)
        return {str(name).split(".")[-1]: size for name in rule["sizedFields"]}


class _Walk:
    """Adds up one operation, over its assumed sizes or over the answer's own."""

    def __init__(
        self,
        costs: Costs,
        variables: Mapping[str, Any],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self.costs = costs
        self.variables = variables
        self.fragments = fragments

    def selections(
        self,
        node: SelectionSetNode,
        parent: Any,
        sized: Mapping[str, int],
        data: Mapping[str, Any] | None,
    ) -> float:
        total = 0.0
        for selection in node.selections:
            match selection:
                case FieldNode():
                    total += self.field(selection, parent, sized, data)
                case InlineFragmentNode():
                    on = selection.type_condition
                    target = self.costs.schema.get_type(on.name.value) if on else parent
                    total += self.selections(selection.selection_set, target, sized, data)
                case FragmentSpreadNode():
                    fragment = self.fragments[selection.name.value]
                    target = self.costs.schema.get_type(fragment.type_condition.name.value)
                    total += self.selections(fragment.selection_set, target, sized, data)
                case _:
                    pass
        return total

    def field(
        self,
        node: FieldNode,
        parent: Any,
        sized: Mapping[str, int],
        data: Mapping[str, Any] | None,
    ) -> float:
        costs, name = self.costs, node.name.value
        if name.startswith("__") or not isinstance(
            parent, GraphQLObjectType | GraphQLInterfaceType
        ):
            return 0.0
        definition = parent.fields[name]
        place = f"{parent.name}.{name}"
        own = costs.weight(place, definition)
        used = costs.arguments(place, definition, node, self.variables)
        passed = costs.passed_sizes(place, node, self.variables)
        if data is not None:
            value = data.get(node.alias.value if node.alias else name)
            return used + sum(
                own + self.below(node, definition, passed, item) for item in _items(value)
            )
        size = costs.size(place, name, definition, node, self.variables, sized)
        each = own + used + self.below(node, definition, passed, None)
        return each if size is None else size * each

    def below(
        self,
        node: FieldNode,
        definition: GraphQLField,
        sized: Mapping[str, int],
        data: Mapping[str, Any] | None,
    ) -> float:
        if node.selection_set is None:
            return 0.0
        return self.selections(node.selection_set, get_named_type(definition.type), sized, data)


def _items(value: Any) -> Iterator[Any]:
    """The objects or leaves of an answer's value; nulls cost nothing."""
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    elif value is not None:
        yield value
