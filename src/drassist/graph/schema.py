"""The federation schema of a subgraph: built once, with everything that is easily forgotten.

Entities are resolved by :mod:`drassist.graph.entity`; ``@requiresScopes`` is enforced here too, on
every field that carries it and on every field of a type that does; operations are limited; parsed and
validated documents are cached (the router sends the same texts again and again); errors are masked;
texts that a database cannot hold are refused at the door.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from typing import Any, Final

import strawberry
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    StringValueNode,
    Undefined,
    ValidationRule,
    default_field_resolver,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_specified_scalar_type,
)
from strawberry.extensions import (
    AddValidationRules,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    SchemaExtension,
    ValidationCache,
)
from strawberry.federation import Schema as FederationSchema
from strawberry.federation.schema import FederationAny
from strawberry.federation.schema_directives import RequiresScopes
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from drassist.graph.entity import Entity, resolve_entity
from drassist.graph.errors import ClientError, MaskedErrors, mask
from drassist.graph.scalars import SCALARS
from drassist.runtime.settings import LimitSettings

__all__ = ["GraphSchema", "build_schema", "undescribed"]

_DEFINITION: Final = "strawberry-definition"


def build_schema(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    types: Sequence[type] = (),
    limits: LimitSettings | None = None,
) -> GraphSchema:
    """The schema of a subgraph. ``types`` are entities that no field leads to."""
    limit = limits or LimitSettings()
    schema = GraphSchema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=types,
        config=StrawberryConfig(
            scalar_map=dict(SCALARS), relay_max_results=limit.page_size, sort_schema=False
        ),
        extensions=[
            MaskedErrors,
            partial(MaxTokensLimiter, max_token_count=limit.tokens),
            partial(QueryDepthLimiter, max_depth=limit.depth),
            partial(MaxAliasesLimiter, max_alias_count=limit.aliases),
            partial(AddValidationRules, [_text_rule(limit.string_length)]),
            partial(_CleanVariables, limit.string_length),
            partial(ParserCache, maxsize=1_000),
            partial(ValidationCache, maxsize=1_000),
        ],
        federation_version="2.11",
    )
    _enforce_scopes(schema)
    _drop_null_defaults(schema)
    return schema


class GraphSchema(FederationSchema):
    """A federation schema whose entities are ours, and which writes no error text to a log."""

    def sdl(self) -> str:
        """What the composition reads: the subgraph's SDL, without trailing spaces."""
        return "\n".join(line.rstrip() for line in print_schema(self).splitlines()) + "\n"

    def entities_resolver(
        self, info: strawberry.Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        return [FederationAny(self._entity(info, value)) for value in representations]

    def _entity(self, info: strawberry.Info, representation: Any) -> Any:
        """One entity; what is wrong with one is an error at its place and spares the others."""
        name = representation.get("__typename") if isinstance(representation, dict) else None
        known = self.schema_converter.type_map.get(name) if isinstance(name, str) else None
        origin = getattr(known.definition, "origin", None) if known else None
        if not (isinstance(origin, type) and issubclass(origin, Entity)):
            return GraphQLError(
                "There is no such entity.", extensions={"code": "BAD_REPRESENTATION"}
            )
        try:
            found = resolve_entity(origin, representation, info)
        except Exception as error:  # noqa: BLE001  an error is the value at its place
            return error
        return _at_its_place(found) if inspect.isawaitable(found) else found

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Mask in place. Strawberry would log messages, which may quote a chart."""
        errors[:] = [mask(error) for error in errors]


async def _at_its_place(found: Any) -> Any:
    try:
        return await found
    except Exception as error:  # noqa: BLE001  as above
        return error


def _text_problem(text: str, longest: int) -> str | None:
    if len(text) > longest:
        return f"A string may have at most {longest} characters."
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text if c > "\ud7ff"):
        return "A string may not contain NUL or lone surrogates."
    return None


def _text_rule(longest: int) -> type[ValidationRule]:
    class StorableStrings(ValidationRule):
        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            if problem := _text_problem(node.value, longest):
                self.report_error(GraphQLError(problem, node))

    return StorableStrings


class _CleanVariables(SchemaExtension):
    """Refuses texts in variables that no database can hold."""

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def on_execute(self) -> Iterator[None]:
        if variables := self.execution_context.variables:
            self._check(variables)
        yield

    def _check(self, value: Any) -> None:
        if isinstance(value, str):
            if problem := _text_problem(value, self._longest):
                raise ClientError("BAD_REQUEST", problem)
        elif isinstance(value, dict):
            for inner in value.values():
                self._check(inner)
        elif isinstance(value, list):
            for inner in value:
                self._check(inner)


def _enforce_scopes(schema: GraphSchema) -> None:
    core = schema._schema
    for type_ in core.type_map.values():
        if not isinstance(type_, GraphQLObjectType):
            continue
        of_type = _demanded(type_.extensions.get(_DEFINITION))
        for field in type_.fields.values():
            demands = [*of_type, *_demanded(field.extensions.get(_DEFINITION))]
            if demands:
                _guard(field, demands, subscribing=type_ is core.subscription_type)


def _demanded(definition: Any) -> list[list[list[str]]]:
    directives = getattr(definition, "directives", None) or ()
    return [d.scopes for d in directives if isinstance(d, RequiresScopes)]


def _guard(field: GraphQLField, demands: list[list[list[str]]], *, subscribing: bool) -> None:
    def check(info: Any) -> None:
        for scopes in demands:
            info.context.demand(scopes)

    def guarded(resolve: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(resolve)
        def checked(source: Any, info: Any, **arguments: Any) -> Any:
            check(info)
            return resolve(source, info, **arguments)

        return checked

    if subscribing:
        assert field.subscribe is not None
        field.subscribe = guarded(field.subscribe)
    else:
        field.resolve = guarded(field.resolve or default_field_resolver)


def _drop_null_defaults(schema: GraphSchema) -> None:
    """Python's ``= None`` means "may be left out", not a default that clients should see."""
    for type_ in schema._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            slots = [a for field in type_.fields.values() for a in field.args.values()]
        elif isinstance(type_, GraphQLInputObjectType):
            slots = list(type_.fields.values())
        else:
            continue
        for slot in slots:
            if slot.default_value is None:
                slot.default_value = Undefined


def undescribed(schema: GraphSchema) -> list[str]:
    """Coordinates without a description: a test wants this empty."""
    missing: list[str] = []
    for name, type_ in schema._schema.type_map.items():
        if name.startswith(("_", "link__")) or is_specified_scalar_type(type_):
            continue
        if not type_.description and name not in ("Query", "Mutation", "Subscription"):
            missing.append(name)
        if is_enum_type(type_):
            missing += [f"{name}.{v}" for v, d in type_.values.items() if not d.description]
        if is_object_type(type_) or is_interface_type(type_):
            for field_name, field in type_.fields.items():
                if field_name.startswith("_"):
                    continue
                if not field.description:
                    missing.append(f"{name}.{field_name}")
                missing += [
                    f"{name}.{field_name}({a}:)" for a, d in field.args.items() if not d.description
                ]
        if is_input_object_type(type_):
            missing += [f"{name}.{f}" for f, d in type_.fields.items() if not d.description]
    return missing
