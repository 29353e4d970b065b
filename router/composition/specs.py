"""The specifications this composer knows: their versions, directives and types, as data.

Federation defines its elements by version; ``tag``, ``cost`` and others exist as specifications
of their own too. A directive has one canonical name wherever it comes from: federation's
``@tag`` and ``tag/v0.3``'s are both ``tag``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from graphql import DirectiveDefinitionNode, parse
from msgspec import Struct
from msgspec.structs import replace

from router.composition.links import FEDERATION, LINK, Feature, Version
from router.composition.model import (
    Argument,
    DirectiveDefinition,
    ListOf,
    Named,
    NonNull,
    TypeRef,
)
from router.composition.nodes import argument_of, text_of

__all__ = [
    "BUILT_IN_DIRECTIVES",
    "FEDERATION_1",
    "FEDERATION_VERSIONS",
    "Spec",
    "define",
    "federation_imports",
    "federation_since",
    "find_spec",
    "minimum_federation",
    "qualified",
    "too_old",
]

FEDERATION_VERSIONS: Final = tuple(Version(2, minor) for minor in range(15))

_TAG_LOCATIONS = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM"
    " | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)
_AUTH_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_COST = (
    "directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION"
    " | INPUT_FIELD_DEFINITION | OBJECT | SCALAR"
)
_LIST_SIZE = (
    "directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],"
    " requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION"
)
_AUTHENTICATED = f"directive @authenticated on {_AUTH_LOCATIONS}"
_SCOPES = f"directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH_LOCATIONS}"
_POLICY = f"directive @policy(policies: [[Policy!]!]!) on {_AUTH_LOCATIONS}"
_CONTEXT = "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION"
_FROM_CONTEXT = "directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION"
_TAG = f"directive @tag(name: String!) repeatable on {_TAG_LOCATIONS}"
_INACCESSIBLE = f"directive @inaccessible on {_TAG_LOCATIONS}"

# (minor version since which this is the definition, definition); a later line for the same name
# replaces the earlier one but keeps its place, which decides the order of links in a supergraph
_FEDERATION_DIRECTIVES: Final = (
    (0, "directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE"),
    (0, "directive @requires(fields: FieldSet!) on FIELD_DEFINITION"),
    (0, "directive @provides(fields: FieldSet!) on FIELD_DEFINITION"),
    (0, "directive @external(reason: String) on OBJECT | FIELD_DEFINITION"),
    (0, _TAG),
    (3, f"{_TAG} | SCHEMA"),
    (0, "directive @extends on OBJECT | INTERFACE"),
    (0, "directive @shareable on OBJECT | FIELD_DEFINITION"),
    (2, "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
    (0, _INACCESSIBLE),
    (0, "directive @override(from: String!) on FIELD_DEFINITION"),
    (7, "directive @override(from: String!, label: String) on FIELD_DEFINITION"),
    (1, "directive @composeDirective(name: String) repeatable on SCHEMA"),
    (3, "directive @interfaceObject on OBJECT"),
    (5, _AUTHENTICATED),
    (5, _SCOPES),
    (6, _POLICY),
    (8, _CONTEXT),
    (8, _FROM_CONTEXT),
    (9, _COST),
    (9, _LIST_SIZE),
    (12, "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"),
)  # fmt: skip
_FEDERATION_SCALARS: Final = (
    (0, "FieldSet"),
    (5, "Scope"),
    (6, "Policy"),
    (8, "ContextFieldValue"),
)

_OWN: Final = "https://specs.apollo.dev/"
_SPECS: Final[dict[tuple[str, Version], tuple[tuple[str, ...], tuple[str, ...]]]] = {
    (LINK, Version(1, 0)): (
        (
            "directive @link(url: String, as: String, for: Purpose, import: [Import])"
            " repeatable on SCHEMA",
        ),
        ("Import",),
    ),
    (_OWN + "tag", Version(0, 1)): (
        (
            "directive @tag(name: String!) repeatable on"
            " FIELD_DEFINITION | OBJECT | INTERFACE | UNION",
        ),
        (),
    ),
    (_OWN + "tag", Version(0, 2)): ((_TAG,), ()),
    (_OWN + "tag", Version(0, 3)): ((f"{_TAG} | SCHEMA",), ()),
    (_OWN + "inaccessible", Version(0, 1)): (
        ("directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION",),
        (),
    ),
    (_OWN + "inaccessible", Version(0, 2)): ((_INACCESSIBLE,), ()),
    (_OWN + "authenticated", Version(0, 1)): ((_AUTHENTICATED,), ()),
    (_OWN + "requiresScopes", Version(0, 1)): ((_SCOPES,), ("Scope",)),
    (_OWN + "policy", Version(0, 1)): ((_POLICY,), ("Policy",)),
    (_OWN + "context", Version(0, 1)): ((_CONTEXT, _FROM_CONTEXT), ("ContextFieldValue",)),
    (_OWN + "cost", Version(0, 1)): ((_COST, _LIST_SIZE), ()),
}

_MINIMUM_FEDERATION: Final = {
    _OWN + "authenticated": Version(2, 5),
    _OWN + "context": Version(2, 8),
    _OWN + "cost": Version(2, 9),
}

_FEDERATION_1_DIRECTIVES: Final = (
    "directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE",
    "directive @requires(fields: _FieldSet!) on FIELD_DEFINITION",
    "directive @provides(fields: _FieldSet!) on FIELD_DEFINITION",
    "directive @external(reason: String) on OBJECT | FIELD_DEFINITION",
    _TAG,
    "directive @extends on OBJECT | INTERFACE",
)


class Spec(Struct, frozen=True, eq=False):
    """What one version of a specification defines; types in arguments are named as there."""

    directives: tuple[DirectiveDefinition, ...]
    scalars: tuple[str, ...]
    enums: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def elements(self) -> tuple[str, ...]:
        """The names that can be imported, directives with their ``@``."""
        return (
            *("@" + directive.name for directive in self.directives),
            *self.scalars,
            *(name for name, _ in self.enums),
        )


@lru_cache(maxsize=256)
def find_spec(identity: str, version: Version) -> Spec | None:
    """Return what a linked version defines, or None when this composer does not know it."""
    if identity == FEDERATION:
        return _federation(version.minor) if version in FEDERATION_VERSIONS else None
    found = _SPECS.get((identity, version))
    if found is None:
        return None
    enums = (("Purpose", ("SECURITY", "EXECUTION")),) if identity == LINK else ()
    return Spec(tuple(_definition(sdl) for sdl in found[0]), found[1], enums)


def _federation(minor: int) -> Spec:
    current: dict[str, DirectiveDefinition] = {}
    for since, sdl in _FEDERATION_DIRECTIVES:
        if since <= minor:
            definition = _definition(sdl)
            current[definition.name] = definition
    scalars = tuple(name for since, name in _FEDERATION_SCALARS if since <= minor)
    return Spec(tuple(current.values()), scalars)


@lru_cache(maxsize=32)
def federation_since(directive: str) -> Version | None:
    """Return the first version of federation that has a directive, if any has."""
    for version in FEDERATION_VERSIONS:
        if any(each.name == directive for each in _federation(version.minor).directives):
            return version
    return None


def too_old(linked: Version, since: Version) -> str:
    """Say why a schema does not have what a later federation has."""
    return f"Federation {linked} does not have it: please link {since} or later."


def federation_imports(version: Version) -> dict[str, str]:
    """Return imports of every directive of a federation version, under its own name."""
    spec = find_spec(FEDERATION, version)
    assert spec is not None, version
    return {"@" + directive.name: "@" + directive.name for directive in spec.directives}


def minimum_federation(feature: Feature) -> Version | None:
    """Return the federation version that a directly linked specification needs, if it says."""
    if find_spec(feature.identity, feature.version) is None:
        return None
    return _MINIMUM_FEDERATION.get(feature.identity)


def qualified(ref: TypeRef, feature: Feature, spec: Spec) -> TypeRef:
    """Return a type of a specification under the name that a schema gives it."""
    match ref:
        case Named(name):
            own = name in spec.scalars or any(name == enum for enum, _ in spec.enums)
            return Named(feature.type_name(name)) if own else ref
        case ListOf(of):
            return ListOf(qualified(of, feature, spec))
        case NonNull(of):
            inner = qualified(of, feature, spec)
            assert not isinstance(inner, NonNull), ref
            return NonNull(inner)


def define(directive: DirectiveDefinition, feature: Feature, spec: Spec) -> DirectiveDefinition:
    """Return a specification's directive as the schema that links it would have written it."""
    arguments = {
        name: replace(argument, type=qualified(argument.type, feature, spec))
        for name, argument in directive.arguments.items()
    }
    return replace(
        directive,
        name=feature.directive_name(directive.name),
        arguments=arguments,
        feature=feature,
        element=directive.name,
    )


@lru_cache(maxsize=256)
def _definition(sdl: str) -> DirectiveDefinition:
    node = parse(sdl, no_location=True).definitions[0]
    assert isinstance(node, DirectiveDefinitionNode), sdl
    return DirectiveDefinition(
        name=node.name.value,
        description=text_of(node.description),
        arguments={arg.name.value: argument_of(arg) for arg in node.arguments or ()},
        locations=tuple(location.value for location in node.locations),
        repeatable=node.repeatable,
        by_user=False,
        canonical=node.name.value,
    )


FEDERATION_1: Final = Spec(
    tuple(_definition(sdl) for sdl in _FEDERATION_1_DIRECTIVES), ("_FieldSet",)
)
"""What a schema without a link to federation may use, under these very names."""


def _built_in(
    name: str, locations: tuple[str, ...], arguments: tuple[Argument, ...] = ()
) -> DirectiveDefinition:
    return DirectiveDefinition(
        name=name,
        description=None,
        arguments={argument.name: argument for argument in arguments},
        locations=locations,
        repeatable=False,
        by_user=False,
    )


_IF: Final = Argument("if", type=NonNull(Named("Boolean")))
_SELECTIONS: Final = ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")
BUILT_IN_DIRECTIVES: Final = {
    "skip": _built_in("skip", _SELECTIONS, (_IF,)),
    "include": _built_in("include", _SELECTIONS, (_IF,)),
    "defer": _built_in("defer", _SELECTIONS[1:]),
    "stream": _built_in("stream", _SELECTIONS[:1]),
    "deprecated": _built_in(
        "deprecated",
        ("FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_FIELD_DEFINITION", "ENUM_VALUE"),
        (Argument("reason", type=Named("String")),),
    ),
    "specifiedBy": _built_in(
        "specifiedBy", ("SCALAR",), (Argument("url", type=NonNull(Named("String"))),)
    ),
}
"""Known everywhere; a user's own definition of one is ignored."""
