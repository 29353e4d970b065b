"""What ``@requires`` and contexts read, checked against the merged types.

A requirement must give values for the arguments that the merged field has, and may only read
protected data for a field that is protected at least as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

from msgspec import Struct

from router.composition.fieldsets import (
    FieldSetInvalid,
    SelectedField,
    SelectedFragment,
    Selection,
    parse_field_set,
)
from router.composition.merge.features import Features
from router.composition.merge.state import Merge
from router.composition.merge.strategies import conjunction_of_dnf
from router.composition.merged import (
    Application,
    Field,
    InterfaceType,
    NamedType,
    ObjectType,
    Value,
    base_name,
)

__all__ = ["check_auth_requirements", "check_required_arguments"]

Composite: TypeAlias = ObjectType | InterfaceType


class _Requirement(Struct, frozen=True):
    """One ``@requires`` as the supergraph has it."""

    subgraph: str
    owner: Composite
    field: Field
    text: str

    @property
    def coordinate(self) -> str:
        return f"{self.owner.name}.{self.field.name}"


def _requirements(merge: Merge) -> Iterator[_Requirement]:
    names = {graph: name for name, graph in merge.graphs.items()}
    for owner, field, applied in _join_fields(merge):
        text = applied.arguments.get("requires")
        if isinstance(text, str):
            yield _Requirement(names[str(applied.arguments["graph"])], owner, field, text)


def _join_fields(merge: Merge) -> Iterator[tuple[Composite, Field, Application]]:
    for owner in merge.schema.composites():
        for field in owner.fields.values():
            for applied in field.directives:
                if applied.name == "join__field":
                    yield owner, field, applied


def _parsed(text: str) -> Selection:
    try:
        return parse_field_set(text)
    except FieldSetInvalid:
        return Selection(())


# -- arguments -----------------------------------------------------------------------------


def check_required_arguments(merge: Merge) -> None:
    """Refuse a ``@requires`` whose arguments are not those of the merged fields."""
    for requirement in _requirements(merge):
        for problem in _argument_problems(merge, requirement.owner, _parsed(requirement.text)):
            merge.findings.error_in(
                requirement.subgraph,
                "REQUIRES_INVALID_FIELDS",
                f'On field "{requirement.coordinate}", for @requires(fields: '
                f'"{requirement.text}"): {problem}',
                requirement.coordinate,
            )
            break


def _argument_problems(merge: Merge, owner: Composite, selection: Selection) -> Iterator[str]:
    for item in selection.items:
        if isinstance(item, SelectedFragment):
            inner = merge.schema.types.get(item.on_type) if item.on_type is not None else owner
            if isinstance(inner, ObjectType | InterfaceType):
                yield from _argument_problems(merge, inner, item.selection)
            continue
        field = owner.fields.get(item.name)
        if field is None:
            continue
        yield from _problems_of(merge, owner, field, item)
        below = merge.schema.types.get(base_name(field.type))
        if item.selection is not None and isinstance(below, ObjectType | InterfaceType):
            yield from _argument_problems(merge, below, item.selection)


def _problems_of(
    merge: Merge, owner: Composite, field: Field, selected: SelectedField
) -> Iterator[str]:
    given = {name for name, _ in selected.arguments}
    coordinate = f"{owner.name}.{field.name}"
    for name in given:
        if name not in field.arguments:
            lacking = [
                f'"{subgraph.name}"'
                for subgraph, declared in merge.composite_sources(owner.name)
                if field.name in declared.fields
                and name not in declared.fields[field.name].arguments
            ]
            yield (
                f'a value is given for argument "{coordinate}({name}:)", which is not in the '
                f"supergraph, because it is not in every subgraph (not in {', '.join(lacking)})."
            )
    for name, argument in field.arguments.items():
        if argument.is_required and name not in given:
            requiring = [
                f'"{subgraph.name}"'
                for subgraph, declared in merge.composite_sources(owner.name)
                if field.name in declared.fields
                and name in declared.fields[field.name].arguments
                and declared.fields[field.name].arguments[name].is_required
            ]
            yield (
                f'no value is given for argument "{coordinate}({name}:)", which is required in '
                f"{', '.join(requiring)}."
            )


# -- access --------------------------------------------------------------------------------


class _Access(Struct, frozen=True):
    """What a client must bring: be known, and one of the alternatives of each list."""

    authenticated: bool
    scopes: tuple[frozenset[str], ...]
    policies: tuple[frozenset[str], ...]

    def implies(self, other: _Access) -> bool:
        """Tell whether whoever passes this passes the other too."""
        return (
            (self.authenticated or not other.authenticated)
            and _implies(self.scopes, other.scopes)
            and _implies(self.policies, other.policies)
        )


def _implies(one: tuple[frozenset[str], ...], other: tuple[frozenset[str], ...]) -> bool:
    if not other:
        return True
    return bool(one) and all(any(wanted <= given for wanted in other) for given in one)


def check_auth_requirements(merge: Merge, features: Features) -> None:
    """Refuse fields that read protected data while being less protected themselves."""
    if not features.auth:
        return
    checker = _AccessChecker(merge, features)
    for requirement in _requirements(merge):
        access = checker.of_field(requirement.owner, requirement.field)
        told = checker.first_missing(access, requirement.owner, _parsed(requirement.text))
        if told is not None:
            _missing(merge, requirement.subgraph, requirement.coordinate, told, "@requires")
    names = {graph: name for name, graph in merge.graphs.items()}
    for owner, field, applied in _join_fields(merge):
        access = checker.of_field(owner, field)
        subgraph = names.get(str(applied.arguments.get("graph")), "")
        for contextual in cast(
            "list[dict[str, str]]", applied.arguments.get("contextArguments", ())
        ):
            for setter in checker.setters(contextual["context"]):
                told = checker.first_missing_in_context(access, setter, contextual["selection"])
                if told is not None:
                    coordinate = f"{owner.name}.{field.name}"
                    _missing(merge, subgraph, coordinate, told, "@fromContext")


def _missing(merge: Merge, subgraph: str, coordinate: str, told: str, directive: str) -> None:
    merge.findings.error_in(
        subgraph,
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        f'Field "{coordinate}" reads {told} through {directive} but does not specify the access '
        "requirements (@authenticated, @requiresScopes, @policy) needed for it.",
        coordinate,
    )


class _AccessChecker:
    """Compares what a field demands with what is demanded of the data it reads."""

    def __init__(self, merge: Merge, features: Features) -> None:
        self._types = merge.schema.types
        self._names = features.names

    def of_field(self, owner: Composite, field: Field) -> _Access:
        """What a field demands, its type included."""
        return self._access([*owner.directives, *field.directives])

    def setters(self, context: str) -> list[NamedType]:
        """Return the types that set a context."""
        name = self._names.get("context")
        return [
            merged
            for merged in self._types.values()
            if any(
                applied.name == name and applied.arguments.get("name") == context
                for applied in merged.directives
            )
        ]

    def first_missing_in_context(
        self, access: _Access, setter: NamedType, selection: str
    ) -> str | None:
        """Return the protected element that a context reads without right, or None."""
        if not access.implies(self._access(setter.directives)):
            return f'type "{setter.name}"'
        return self.first_missing(access, setter, _parsed(selection))

    def first_missing(self, access: _Access, owner: NamedType, selection: Selection) -> str | None:
        """Return the first protected element that is selected without right, or None."""
        for item in selection.items:
            told = (
                self._in_fragment(access, owner, item)
                if isinstance(item, SelectedFragment)
                else self._in_field(access, owner, item)
            )
            if told is not None:
                return told
        return None

    def _in_fragment(self, access: _Access, owner: NamedType, item: SelectedFragment) -> str | None:
        inner = owner if item.on_type is None else self._types.get(item.on_type)
        if inner is None:
            return None
        if inner is not owner and not access.implies(self._access(inner.directives)):
            return f'type "{inner.name}"'
        return self.first_missing(access, inner, item.selection)

    def _in_field(self, access: _Access, owner: NamedType, item: SelectedField) -> str | None:
        if not isinstance(owner, ObjectType | InterfaceType) or item.name not in owner.fields:
            return None
        field = owner.fields[item.name]
        if not access.implies(self._access(field.directives)):
            return f'field "{owner.name}.{field.name}"'
        below = self._types.get(base_name(field.type))
        if below is None:
            return None
        if not access.implies(self._access(below.directives)):
            return f'type "{below.name}"'
        return self.first_missing(access, below, item.selection) if item.selection else None

    def _access(self, directives: list[Application]) -> _Access:
        authenticated = self._names.get("authenticated")
        return _Access(
            any(applied.name == authenticated for applied in directives),
            self._alternatives(directives, "requiresScopes", "scopes"),
            self._alternatives(directives, "policy", "policies"),
        )

    def _alternatives(
        self, directives: list[Application], canonical: str, argument: str
    ) -> tuple[frozenset[str], ...]:
        """Return the alternatives, none when nothing is demanded."""
        name = self._names.get(canonical)
        given: list[Value] = [
            applied.arguments[argument] for applied in directives if applied.name == name
        ]
        if not given:
            return ()
        terms = cast("list[list[str]]", conjunction_of_dnf(given))
        return () if [] in terms else tuple(frozenset(term) for term in terms)
