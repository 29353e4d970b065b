"""Declaring types and fields: Strawberry's decorators, with what we demand of every field.

A description comes first and cannot be forgotten. ``phi=True`` tags what belongs to a patient,
``clients=`` tags what only some devices see, ``scopes=`` both prints ``@requiresScopes`` and is
enforced in the subgraph (:mod:`drassist.graph.schema`).
"""

from __future__ import annotations

import builtins
import enum as python_enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast, dataclass_transform

import strawberry
from strawberry.federation.schema_directives import Cost, ListSize
from strawberry.types.arguments import StrawberryArgumentAnnotation

from drassist.runtime.identity import ScopeSets

__all__ = [
    "arg",
    "enum",
    "field",
    "input",
    "interface",
    "resolver",
    "subscription",
    "type",
    "union",
    "value",
]

C = TypeVar("C", bound=builtins.type)
F = TypeVar("F", bound=Callable[..., Any])


# Strawberry's overloads cannot say "whatever else"; ours can
_field: Any = strawberry.federation.field


def _tags(phi: bool, clients: Iterable[str], tags: Iterable[str]) -> list[str]:
    return [*(["phi"] if phi else []), *clients, *tags]


def field(
    description: str,
    *,
    phi: bool = False,
    clients: Sequence[str] = (),
    tags: Sequence[str] = (),
    scopes: ScopeSets | None = None,
    **options: Any,
) -> Any:
    """A plain field of a type, input or interface, read from the attribute of its name.

    ``options`` go to ``strawberry.federation.field``: ``name``, ``default``, ``default_factory``,
    ``external``, ``shareable``, ``inaccessible``, ``deprecation_reason``, ``directives`` …
    """
    return _field(
        description=description,
        tags=_tags(phi, clients, tags),
        **({"requires_scopes": [list(s) for s in scopes]} if scopes else {}),
        **options,
    )


def resolver(
    description: str,
    *,
    phi: bool = False,
    clients: Sequence[str] = (),
    tags: Sequence[str] = (),
    scopes: ScopeSets | None = None,
    cost: int | None = None,
    list_size: int | None = None,
    **options: Any,
) -> Callable[[F], F]:
    """A field computed by the decorated method; the rest is as for :func:`field`.

    ``cost`` is its weight, ``list_size`` the assumed length of its list, for the router's limits.
    """
    directives: list[object] = list(options.pop("directives", ()))
    if cost is not None:
        directives.append(Cost(weight=cost))

    def decorate(function: F) -> F:
        if list_size is not None:
            directives.append(_list_size(list_size, function))
        declared = _field(
            resolver=function,
            description=description,
            tags=_tags(phi, clients, tags),
            directives=directives,
            **({"requires_scopes": [list(s) for s in scopes]} if scopes else {}),
            **options,
        )
        return cast("F", declared)

    return decorate


def _list_size(assumed: int, function: Callable[..., Any]) -> ListSize:
    """The size of a list, or of a connection's edges: the directive stands on lists only."""
    paged = "Connection[" in str(function.__annotations__.get("return", ""))
    return ListSize(
        assumed_size=assumed,
        slicing_arguments=["first", "last"] if paged else None,
        sized_fields=["edges"] if paged else None,
        require_one_slicing_argument=False,
    )


def subscription(
    description: str,
    *,
    scopes: ScopeSets | None = None,
    clients: Sequence[str] = (),
    tags: Sequence[str] = (),
    **options: Any,
) -> Callable[[F], F]:
    """A subscription: an async generator method; closing it must end what it listens to."""

    def decorate(function: F) -> F:
        declared = _field(
            resolver=function,
            is_subscription=True,
            description=description,
            tags=[*clients, *tags],
            **({"requires_scopes": [list(s) for s in scopes]} if scopes else {}),
            **options,
        )
        return cast("F", declared)

    return decorate


def arg(description: str, **options: Any) -> StrawberryArgumentAnnotation:
    """An argument's description: ``id: Annotated[ID, graph.arg("Which one.")]``."""
    return strawberry.argument(description=description, **options)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def type(description: str, **options: Any) -> Callable[[C], C]:
    """An object type. ``shareable=True`` when several subgraphs define the same."""

    def decorate(cls: C) -> C:
        return strawberry.federation.type(cls, description=description, **options)

    return decorate


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def interface(description: str, **options: Any) -> Callable[[C], C]:
    """An interface."""

    def decorate(cls: C) -> C:
        return strawberry.federation.interface(cls, description=description, **options)

    return decorate


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def input(description: str, **options: Any) -> Callable[[C], C]:
    """An input type. Optional fields need ``default=None`` (or ``strawberry.UNSET``)."""

    def decorate(cls: C) -> C:
        return strawberry.federation.input(cls, description=description, **options)

    return decorate


E = TypeVar("E", bound=builtins.type[python_enum.Enum])


def enum(description: str, **options: Any) -> Callable[[E], E]:
    """An enum of values made with :func:`value`."""

    def decorate(cls: E) -> E:
        return cast("E", strawberry.federation.enum(cls, description=description, **options))

    return decorate


def value(of: str, description: str, **options: Any) -> Any:
    """One value of an enum."""
    return strawberry.enum_value(of, description=description, **options)


def union(name: str, description: str, **options: Any) -> Any:
    """A union: ``Result = Annotated[A | B, graph.union("Result", "…")]``."""
    return strawberry.federation.union(name, description=description, **options)
