"""The field sets of ``@key``, ``@requires`` and ``@provides``, and where these may stand."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import StringValueNode, print_ast

from router.composition.fieldsets import (
    FieldSetInvalid,
    SelectedFragment,
    Selection,
    parse_field_set,
)
from router.composition.links import Version
from router.composition.model import (
    Applied,
    CompositeType,
    FieldDefinition,
    InterfaceType,
    ObjectType,
    Subgraph,
    UnionType,
    base_name,
)
from router.composition.problems import Problems, SubgraphRefused
from router.composition.selections import first_problem

__all__ = ["check_key", "check_keys", "check_provides", "check_requires"]

_INTERFACE_KEYS_SINCE = Version(2, 3)


def check_keys(subgraph: Subgraph, problems: Problems) -> None:
    """Check every ``@key``."""
    for found in _composites(subgraph):
        for applied in found.applications("key"):
            if (
                isinstance(found, InterfaceType)
                and subgraph.federation_version < _INTERFACE_KEYS_SINCE
            ):
                problems.add(
                    "KEY_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @key on interface "{found.name}": that needs federation '
                    f"{_INTERFACE_KEYS_SINCE}, and this schema links "
                    f"{subgraph.federation_version}.",
                    found.name,
                )
            check_key(found, applied, subgraph, problems)


def check_key(
    found: CompositeType, applied: Applied, subgraph: Subgraph, problems: Problems
) -> None:
    """Check the field set of one ``@key``."""
    _check_field_set(subgraph, applied, f'type "{found.name}"', found.name, problems)


def check_requires(subgraph: Subgraph, problems: Problems) -> None:
    """Check every ``@requires``."""
    for found in _composites(subgraph):
        for field, applied in _fields_with(found, "requires"):
            if isinstance(found, InterfaceType):
                problems.add(
                    "REQUIRES_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @requires on field "{field.coordinate}": @requires is not '
                    "supported within interfaces.",
                    field.coordinate,
                )
            _check_field_set(subgraph, applied, f'field "{field.coordinate}"', found.name, problems)


def check_provides(subgraph: Subgraph, problems: Problems) -> None:
    """Check every ``@provides``; two mistakes leave nothing more to say about the subgraph."""
    for found in _composites(subgraph):
        for field, applied in _fields_with(found, "provides"):
            if subgraph.is_external(field):
                raise _only(
                    problems,
                    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
                    f'Cannot have both @provides and @external on field "{field.coordinate}".',
                    field,
                )
            target = base_name(field.type)
            if not isinstance(subgraph.types.get(target), CompositeType | UnionType):
                raise _only(
                    problems,
                    "PROVIDES_ON_NON_OBJECT_FIELD",
                    f'Invalid @provides on field "{field.coordinate}": its type "{field.type}" has '
                    "no fields to provide.",
                    field,
                )
            if isinstance(found, InterfaceType):
                problems.add(
                    "PROVIDES_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @provides on field "{field.coordinate}": @provides is not '
                    "supported within interfaces.",
                    field.coordinate,
                )
            _check_field_set(subgraph, applied, f'field "{field.coordinate}"', target, problems)


def _only(problems: Problems, code: str, message: str, field: FieldDefinition) -> SubgraphRefused:
    return problems.stop(code, message, field.coordinate)


def _composites(subgraph: Subgraph) -> Iterator[CompositeType]:
    for found in subgraph.types.values():
        if isinstance(found, CompositeType):
            yield found


def _fields_with(found: CompositeType, canonical: str) -> Iterator[tuple[FieldDefinition, Applied]]:
    for field in found.fields.values():
        for applied in field.directives:
            if applied.canonical == canonical:
                yield field, applied


def _check_field_set(
    subgraph: Subgraph, applied: Applied, where: str, parent: str, problems: Problems
) -> None:
    directive = applied.canonical
    assert directive is not None
    prefix = directive.upper()
    coordinate = where.partition('"')[2].rstrip('"')
    value = applied.arguments["fields"]
    intro = f"On {where}, for @{applied.name}(fields: {print_ast(value)}): "
    if not isinstance(value, StringValueNode):
        problems.add(
            f"{prefix}_INVALID_FIELDS_TYPE", f"{intro}the fields must be a string.", coordinate
        )
        return
    try:
        selection = parse_field_set(value.value)
    except FieldSetInvalid as error:
        problems.add(f"{prefix}_INVALID_FIELDS", _sentence(f"{intro}{error}"), coordinate)
        return
    problem = first_problem(
        selection,
        parent,
        subgraph.types,
        subgraph.directives,
        forbid_abstract=directive == "key",
    )
    if problem is not None:
        abstract = problem.selects_abstract
        code = "KEY_FIELDS_SELECT_INVALID_TYPE" if abstract else f"{prefix}_INVALID_FIELDS"
        problems.add(code, _sentence(intro + problem.message), coordinate)
        return
    errors = _selection_errors(subgraph, directive, selection, parent, False)
    for code, message in dict.fromkeys(errors):  # a field may be selected twice
        problems.add(f"{prefix}_{code}", _sentence(intro + message), coordinate)


def _sentence(message: str) -> str:
    return message if message.endswith(".") else f"{message}."


def _selection_errors(
    subgraph: Subgraph, directive: str, selection: Selection, parent: str, below_external: bool
) -> Iterator[tuple[str, str]]:
    """Yield what a valid selection has that this directive does not allow."""
    for item in selection.items:
        if item.directives:
            names = ", ".join(f'"@{directive.name}"' for directive in item.directives)
            yield "DIRECTIVE_IN_FIELDS_ARG", f"cannot have the directives {names} in the fields"
        if isinstance(item, SelectedFragment):
            yield from _selection_errors(
                subgraph, directive, item.selection, item.on_type or parent, below_external
            )
            continue
        found = subgraph.types.get(parent)
        field = found.fields.get(item.name) if isinstance(found, CompositeType) else None
        if field is None:  # __typename
            if directive != "key" and not below_external:
                yield _resolved_here(directive, f"{parent}.{item.name}")
            continue
        if field.arguments and directive != "requires":
            yield (
                "FIELDS_HAS_ARGS",
                f"field {field.coordinate} cannot be included because it has arguments",
            )
        if item.selection is not None:
            external = below_external or _is_external_somewhere(subgraph, field)
            yield from _selection_errors(
                subgraph, directive, item.selection, base_name(field.type), external
            )
        elif directive != "key" and not below_external and not subgraph.is_external(field):
            is_fake = (field.parent, field.name) in subgraph.facts.fake_external
            yield _resolved_here(directive, field.coordinate, is_fake=is_fake)


def _resolved_here(directive: str, coordinate: str, *, is_fake: bool = False) -> tuple[str, str]:
    reason = (
        'already "effectively" resolved by this subgraph: it is @external, but a key field of an '
        "extension, which has no effect"
        if is_fake
        else "already resolved by this subgraph (it is not @external): please leave it out"
    )
    return (
        "FIELDS_MISSING_EXTERNAL",
        f'field "{coordinate}" should not be part of a @{directive} since it is {reason}',
    )


def _is_external_somewhere(subgraph: Subgraph, field: FieldDefinition) -> bool:
    """Tell whether a field is external, or for an interface's, external in an implementation."""
    if subgraph.is_external(field):
        return True
    if isinstance(subgraph.types.get(field.parent), ObjectType):
        return False
    return any(
        field.name in found.fields and subgraph.is_external(found.fields[field.name])
        for found in subgraph.implementations(field.parent)
    )
