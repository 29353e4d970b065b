"""Entities: how a representation from the router becomes an object.

Strawberry hands the wire names and raw JSON of a representation to ``resolve_reference`` and changes
the caller's dict on the way. Here a type says how it is found by each of its keys::

    @graph.entity("A person …", keys=["id", "mrn"])
    class Patient(graph.Entity):
        id: ID = graph.field("…")

        @classmethod
        @graph.reference("id")
        async def by_id(cls, info: Info, id: ID) -> Patient | None: ...

Arguments get snake_case names and the types they are annotated with. The first reference whose
arguments are all in the representation is taken. A type without references is a stub: it is made
from its key. ``@external`` fields that the representation brings (for ``@requires``) are set on the
object, whoever made it.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, TypeVar, dataclass_transform

import strawberry
from graphql import GraphQLError
from strawberry.federation.schema_directives import External, Key
from strawberry.federation.types import FieldSet

from drassist.graph.fields import field
from drassist.graph.scalars import SCALARS

__all__ = ["Entity", "entity", "reference", "resolve_entity"]

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__drassist_reference__"


class Entity:
    """Base of entity types; see the module's docstring."""

    __drassist_entity__: ClassVar[bool] = True


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def entity(
    description: str,
    *,
    keys: typing.Sequence[str] = ("id",),
    resolvable: bool = True,
    **options: Any,
) -> Callable[[C], C]:
    """An object type with ``@key``s; ``resolvable=False`` for a stub that has nothing to add."""

    def decorate(cls: C) -> C:
        applied = [Key(fields=FieldSet(key), resolvable=False) for key in keys]
        return strawberry.federation.type(
            cls, description=description, keys=list(keys) if resolvable else applied, **options
        )

    return decorate


def reference(key: str) -> Callable[[F], F]:
    """Marks the class method that finds the entity by ``key``; put it under ``@classmethod``."""

    def mark(function: F) -> F:
        setattr(function, _MARK, key)
        return function

    return mark


def resolve_entity(
    cls: type, representation: Mapping[str, Any], info: Any
) -> Any | Awaitable[Any | None]:
    """The object for a representation, or what raises; the representation is left as it is."""
    values = {_snake(name): v for name, v in representation.items() if name != "__typename"}
    plan = _plan(cls)
    for found in plan.references:
        if all(values.get(name) is not None for name in found.required):
            given = {
                name: _coerce(kind, values[name])
                for name, kind in found.arguments.items()
                if name in values
            }
            return _bring(getattr(cls, found.name)(info, **given), plan, values)
    if plan.references:
        raise GraphQLError(
            "No key of the entity is complete.", extensions={"code": "BAD_REPRESENTATION"}
        )
    stub = {
        name: _coerce(kind, values[name]) for name, kind in plan.fields.items() if name in values
    }
    try:
        return cls(**stub)
    except TypeError:
        raise GraphQLError(
            "The key of the entity is not complete.", extensions={"code": "BAD_REPRESENTATION"}
        ) from None


def _bring(found: Any, plan: _Plan, values: Mapping[str, Any]) -> Any:
    """Set the external fields that came along on the object, now or when it has arrived."""
    brought = {
        name: _coerce(kind, values[name]) for name, kind in plan.external.items() if name in values
    }
    if not brought:
        return found
    if inspect.isawaitable(found):

        async def later(awaited: Any = found) -> Any:
            return _set(await awaited, brought)

        return later()
    return _set(found, brought)


def _set(entity: Any, values: Mapping[str, Any]) -> Any:
    if entity is not None:
        for name, value in values.items():
            setattr(entity, name, value)
    return entity


@dataclass(frozen=True, slots=True)
class _Reference:
    name: str
    arguments: Mapping[str, Any]
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    references: tuple[_Reference, ...]
    external: Mapping[str, Any]
    fields: Mapping[str, Any]


@cache
def _plan(cls: type) -> _Plan:
    definition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    plain = {f.python_name: f.type for f in definition.fields if f.base_resolver is None}
    external = {
        f.python_name: f.type
        for f in definition.fields
        if any(isinstance(d, External) for d in f.directives)
    }
    return _Plan(tuple(_references(cls)), external, plain)


def _references(cls: type) -> typing.Iterator[_Reference]:
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, member in vars(base).items():
            function = getattr(member, "__func__", None)
            if function is None or not hasattr(function, _MARK) or name in seen:
                continue
            seen.add(name)
            parameters = list(inspect.signature(function).parameters.values())[2:]  # cls, info
            hints = _hints(function)
            yield _Reference(
                name,
                {p.name: hints.get(p.name, Any) for p in parameters},
                tuple(p.name for p in parameters if p.default is p.empty),
            )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except NameError:  # the return type may be known to type checkers only
        names = {**vars(typing), **function.__globals__}
        return {
            name: eval(text, names) if isinstance(text, str) else text  # noqa: S307  our own code
            for name, text in function.__annotations__.items()
            if name not in ("return", "info")
        }


_TEXT = (str, strawberry.ID)


def _coerce(kind: Any, value: Any) -> Any:
    """JSON to Python for the kinds that keys and required fields have."""
    if value is None:
        return None
    if (inner := getattr(kind, "of_type", None)) is not None:  # Strawberry's optional and list
        return (
            [_coerce(inner, v) for v in value] if isinstance(value, list) else _coerce(inner, value)
        )
    if typing.get_origin(kind) is list:
        return [_coerce(typing.get_args(kind)[0], v) for v in value]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return _coerce(next(a for a in typing.get_args(kind) if a is not type(None)), value)
    if kind in _TEXT:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
        raise GraphQLError("An id is a string.", extensions={"code": "BAD_REPRESENTATION"})
    if kind in (datetime, date, Decimal):
        parse = SCALARS[kind].parse_value
        assert parse is not None
        return parse(value)
    if isinstance(value, dict):
        names = {_snake(k): v for k, v in value.items() if k != "__typename"}
        definition = getattr(kind, "__strawberry_definition__", None)
        if definition is None:
            return names
        kinds = {f.python_name: f.type for f in definition.fields}
        return kind(**{n: _coerce(kinds[n], v) for n, v in names.items() if n in kinds})
    return value


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
