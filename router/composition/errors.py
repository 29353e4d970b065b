"""Why subgraphs do not compose: the errors, all at once, and the catalogue of their codes.

Codes are those of the reference catalogue, so that people find them in what is already written
about federation. A message that belongs to one subgraph starts with ``[name] ``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from router.errors import RouterError

__all__ = ["ERROR_CODES", "CompositionError", "CompositionFailed"]


class CompositionError(Struct, frozen=True):
    """One problem.

    ``subgraphs`` are the names concerned; ``coordinates`` the schema coordinates
    (``Type``, ``Type.field``, ``Type.field(arg:)``, ``Enum.VALUE``, ``@dir``, ``@dir(arg:)``).
    """

    code: str
    message: str
    subgraphs: tuple[str, ...] = ()
    coordinates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in ERROR_CODES:
            raise ValueError(f"{self.code} is not in the catalogue of composition errors")

    @classmethod
    def in_subgraph(
        cls, subgraph: str, code: str, message: str, *coordinates: str
    ) -> CompositionError:
        """Return an error of one subgraph, its message prefixed with the subgraph's name."""
        return cls(code, f"[{subgraph}] {message}", (subgraph,), coordinates)

    def to_json(self) -> dict[str, Any]:
        """Return ``{code, message, subgraphs, coordinates}``."""
        return {
            "code": self.code,
            "message": self.message,
            "subgraphs": list(self.subgraphs),
            "coordinates": list(self.coordinates),
        }


class CompositionFailed(RouterError):
    """The subgraphs do not make one supergraph; ``errors`` holds every problem found."""

    code = "COMPOSITION_FAILED"

    def __init__(self, errors: Iterable[CompositionError]) -> None:
        self.errors: tuple[CompositionError, ...] = tuple(errors)
        lines = (f"{error.code}: {error.message}" for error in self.errors)
        super().__init__("The subgraphs do not compose:\n" + "\n".join(lines))


ERROR_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # one subgraph: text, links, definitions
        "INVALID_GRAPHQL": "A subgraph's schema, or the merged one, breaks a rule of GraphQL.",
        "DIRECTIVE_DEFINITION_INVALID": "A known directive is defined in a way its spec forbids.",
        "TYPE_DEFINITION_INVALID": "A known type is defined in a way its spec forbids.",
        "UNKNOWN_FEDERATION_LINK_VERSION": "The federation version linked is not 2.0 to 2.14.",
        "UNKNOWN_LINK_VERSION": "The version of the link spec is not known.",
        "INVALID_LINK_IDENTIFIER": "The url of a link is malformed.",
        "INVALID_LINK_DIRECTIVE_USAGE": "Links, aliases or imports are wrong or clash.",
        "INVALID_SUBGRAPH_NAME": "A subgraph's name is reserved, or used twice.",
        "UNSUPPORTED_LINKED_FEATURE": "A linked feature is one this composer does not implement.",
        "ROOT_QUERY_USED": "A type named Query exists that is not the query root.",
        "ROOT_MUTATION_USED": "A type named Mutation exists that is not the mutation root.",
        "ROOT_SUBSCRIPTION_USED": (
            "A type named Subscription exists that is not the subscription root."
        ),
        # one subgraph: field sets
        "KEY_INVALID_FIELDS_TYPE": "The fields of a @key are not given as a string.",
        "REQUIRES_INVALID_FIELDS_TYPE": "The fields of a @requires are not given as a string.",
        "PROVIDES_INVALID_FIELDS_TYPE": "The fields of a @provides are not given as a string.",
        "KEY_INVALID_FIELDS": "The fields of a @key are no valid selection on its type.",
        "REQUIRES_INVALID_FIELDS": "The fields of a @requires are no valid selection.",
        "PROVIDES_INVALID_FIELDS": "The fields of a @provides are no valid selection.",
        "KEY_FIELDS_HAS_ARGS": "A @key selects a field that has arguments.",
        "PROVIDES_FIELDS_HAS_ARGS": "A @provides selects a field that has arguments.",
        "KEY_DIRECTIVE_IN_FIELDS_ARG": "A @key's fields apply a directive.",
        "REQUIRES_DIRECTIVE_IN_FIELDS_ARG": "A @requires' fields apply a directive.",
        "PROVIDES_DIRECTIVE_IN_FIELDS_ARG": "A @provides' fields apply a directive.",
        "REQUIRES_FIELDS_MISSING_EXTERNAL": "A @requires selects a field that is not external.",
        "PROVIDES_FIELDS_MISSING_EXTERNAL": "A @provides selects a field that is not external.",
        "KEY_FIELDS_SELECT_INVALID_TYPE": "A @key selects a field of interface or union type.",
        "KEY_UNSUPPORTED_ON_INTERFACE": "A @key on an interface needs federation 2.3.",
        "REQUIRES_UNSUPPORTED_ON_INTERFACE": "@requires is not supported inside an interface.",
        "PROVIDES_UNSUPPORTED_ON_INTERFACE": "@provides is not supported inside an interface.",
        "PROVIDES_ON_NON_OBJECT_FIELD": "@provides is on a field without fields of its own.",
        # one subgraph: external, shareable, interfaces
        "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE": "@external meets a directive it excludes.",
        "EXTERNAL_UNUSED": "An external field is used by no directive and no interface.",
        "EXTERNAL_ON_INTERFACE": "@external is on a field of an interface.",
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL": "Every field of a federation 1 type is unused external.",
        "INTERFACE_OBJECT_USAGE_ERROR": "@interfaceObject is used where it cannot work.",
        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION": "An implementation lacks a key of its interface.",
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE": (
            "A subgraph with an interface key does not know every implementation."
        ),
        "INVALID_SHAREABLE_USAGE": "@shareable is repeated, or on a field of a non-object.",
        # one subgraph: cost, auth, context
        "COST_APPLIED_TO_INTERFACE_FIELD": "@cost is on a field of an interface.",
        "LIST_SIZE_APPLIED_TO_NON_LIST": "@listSize is on a field that gives no list.",
        "LIST_SIZE_INVALID_ASSUMED_SIZE": "@listSize assumes a negative size.",
        "LIST_SIZE_INVALID_SLICING_ARGUMENT": "A slicing argument is missing or no Int.",
        "LIST_SIZE_INVALID_SIZED_FIELD": "A sized field does not exist.",
        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE": (
            "Access is restricted on an interface instead of on its implementations."
        ),
        "CONTEXT_NAME_INVALID": "A context's name is not letters and digits.",
        "CONTEXT_NOT_SET": "@fromContext is misplaced, or names a context that nothing sets.",
        "NO_CONTEXT_IN_SELECTION": "@fromContext names no context.",
        "CONTEXT_INVALID_SELECTION": "@fromContext selects what its argument cannot take.",
        "CONTEXT_NO_RESOLVABLE_KEY": "A type with contextual arguments has no resolvable key.",
        # merging
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": (
            "A required argument is contextual in some subgraphs only."
        ),
        "EXTENSION_WITH_NO_BASE": "A type is extended everywhere and defined nowhere.",
        "TYPE_KIND_MISMATCH": "A type is of different kinds in different subgraphs.",
        "NO_QUERIES": "No subgraph has a query field.",
        "FIELD_TYPE_MISMATCH": "A field's types in the subgraphs have no common type.",
        "FIELD_ARGUMENT_TYPE_MISMATCH": "An argument's types have no common type.",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH": "An argument has different default values.",
        "INPUT_FIELD_DEFAULT_MISMATCH": "An input field has different default values.",
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH": "A required argument is not everywhere.",
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH": (
            "A required input field is not everywhere."
        ),
        "EMPTY_MERGED_INPUT_TYPE": "The subgraphs' versions of an input share no field.",
        "EMPTY_MERGED_ENUM_TYPE": "The subgraphs' versions of an input enum share no value.",
        "ENUM_VALUE_MISMATCH": "An enum used as input and output is not the same everywhere.",
        "EXTERNAL_MISSING_ON_BASE": "A field is external everywhere.",
        "EXTERNAL_TYPE_MISMATCH": "An external field's type differs from the field's.",
        "EXTERNAL_ARGUMENT_MISSING": "An external field lacks an argument of the field.",
        "EXTERNAL_ARGUMENT_TYPE_MISMATCH": "An external field's argument has another type.",
        "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH": "An external field's argument has another default.",
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL": "A merged directive is on an external field.",
        "INVALID_FIELD_SHARING": "A field is resolved by several subgraphs and not shareable.",
        "INTERFACE_FIELD_NO_IMPLEM": "An implementation lacks a field of its merged interface.",
        "OVERRIDE_FROM_SELF_ERROR": "A field overrides itself.",
        "OVERRIDE_SOURCE_HAS_OVERRIDE": "A field overrides one that is overridden too.",
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE": "@override meets a directive it excludes.",
        "OVERRIDE_ON_INTERFACE": "@override is on a field of an interface.",
        "OVERRIDE_LABEL_INVALID": "The label of an @override is malformed.",
        "LINK_IMPORT_NAME_MISMATCH": "A directive has different names in different subgraphs.",
        "DIRECTIVE_COMPOSITION_ERROR": "@composeDirective cannot be obeyed.",
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS": (
            "A field reads protected data without requiring the same access."
        ),
        # inaccessible
        "REFERENCED_INACCESSIBLE": "A visible element refers to an inaccessible type.",
        "DEFAULT_VALUE_USES_INACCESSIBLE": "A visible default uses an inaccessible element.",
        "QUERY_ROOT_TYPE_INACCESSIBLE": "The query root is inaccessible.",
        "REQUIRED_INACCESSIBLE": "A required argument or input field is inaccessible.",
        "IMPLEMENTED_BY_INACCESSIBLE": "An inaccessible element implements a visible one.",
        "DISALLOWED_INACCESSIBLE": "@inaccessible is on an element that cannot be hidden.",
        "ONLY_INACCESSIBLE_CHILDREN": "A visible type has only inaccessible parts.",
        # the whole
        "SATISFIABILITY_ERROR": "A field that a client can ask for cannot be resolved.",
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES": (
            "A shared field gives disjoint sets of types in different subgraphs."
        ),
        "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED": "Proving satisfiability takes too many paths.",
    }
)
"""Every code a :class:`CompositionError` may have, with one line of meaning."""
