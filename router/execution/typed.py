"""Answers read straight into typed objects: what an operation that comes often is worth.

An answer of a subgraph is parsed into dictionaries, whose every value the generated code then
checks. Where the shape of the answer is known (it is: :mod:`router.execution.shapes`) msgspec
reads it into objects with a slot per response key and checks the values as it reads: in three
quarters of the time and of the memory, and what follows has no values to check. What does not fit
the types is read again as dictionaries, which can hold anything, and the plain forms say what is
wrong.

Making the types takes some milliseconds, so only operations that come often have them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final
from weakref import WeakKeyDictionary

import msgspec
from graphql import GraphQLEnumType, GraphQLSchema
from msgspec import Struct

from router.execution.client import NO_HEADERS, UNREAD, SubgraphAnswer
from router.execution.generating import Unsuitable, attribute
from router.execution.shapes import Shape, Slot
from router.execution.steps import FetchStep

__all__ = ["Reader", "Readers", "readers_of"]

MAX_TYPES: Final = 4_096
"""So many types are made for one schema: only the garbage collector frees a type."""
MAX_NEW: Final = 256
"""And so many for one operation: meanwhile everybody waits, some 0.1 ms per type."""

_INT: Final = Annotated[int, msgspec.Meta(ge=-2_147_483_648, le=2_147_483_647)]
_SCALARS: Final[dict[str, Any]] = {
    "String": str | None,
    "Int": _INT | None,
    "Boolean": bool | None,
    # larger numbers are no integers to orjson, and all forms must say the same
    "ID": str | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    "Float": int | float | None,
}
_EXACT: Final = frozenset({"String", "Int", "Boolean", "ID"})
"""Scalars whose values are equal only where they are written alike, as 1 and 1.0 are not."""


class Reader(Struct, frozen=True, eq=False):
    """Reads answers to one operation text."""

    decode: Any

    def __call__(self, body: bytes) -> SubgraphAnswer | None:
        """Read a response that has data and no errors; None: it is something else."""
        try:
            found = self.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        if found.data is None or found.errors:
            return None
        extensions = found.extensions
        return SubgraphAnswer(
            UNREAD,
            extensions=extensions if isinstance(extensions, dict) else NO_HEADERS,
            raw=body,
            typed=found.data,
        )


class Readers:
    """The types and readers made for one schema; answers of one shape have the same ones."""

    def __init__(self, enums: frozenset[str]) -> None:
        self._enums = enums
        self._types: dict[tuple[tuple[str, Any, bool], ...], Any] = {}
        self._readers: dict[Any, Reader] = {}

    def of(self, steps: Iterable[FetchStep]) -> tuple[Reader, ...]:
        """Return what reads the answers of each step; raises Unsuitable where nothing does."""
        most = min(MAX_TYPES, len(self._types) + MAX_NEW)
        return tuple(self._reader(step, most) for step in steps)

    def compares(self, shape: Shape) -> bool:
        """Return whether objects of this shape are equal where all in them is written alike."""
        return all(
            self.compares(slot.shape)
            if slot.shape is not None
            else slot.lists is not None and (slot.named in _EXACT or slot.named in self._enums)
            for slot in shape.slots.values()
        )

    def _reader(self, step: FetchStep, most: int) -> Reader:
        if step.renamed:
            raise Unsuitable  # one key of the client's is several of the subgraph's
        if step.calls:
            data = self._type(
                (
                    (call.call.alias, _listed(self._object(call.shape, most)), True)
                    for call in step.calls
                ),
                most,
            )
        else:
            data = self._object(step.shapes.root, most)
        found = self._readers.get(data)
        if found is None:
            response = msgspec.defstruct(
                "Response",
                [("data", data | None), ("errors", Any, None), ("extensions", Any, None)],
                gc=False,
            )
            found = self._readers[data] = Reader(msgspec.json.Decoder(response).decode)
        return found

    def _object(self, shape: Shape, most: int) -> Any:
        return self._type(
            ((key, self._value(slot, most), slot.sure) for key, slot in shape.slots.items()),
            most,
            compared=self.compares(shape),
        )

    def _type(
        self, fields: Iterable[tuple[str, Any, bool]], most: int, *, compared: bool = False
    ) -> Any:
        """Return the type with these keys; one that is not sure may be missing, as null.

        ``compared``: its objects are compared by their values, not by identity. Raises Unsuitable
        where there would be more than ``most`` types.
        """
        key = tuple(fields)
        found = self._types.get(key)
        if found is None:
            if len(self._types) >= most:
                raise Unsuitable
            found = self._types[key] = msgspec.defstruct(
                "Object",
                [
                    (attribute(name), of) if sure else (attribute(name), of, None)
                    for name, of, sure in key
                ],
                rename={attribute(name): name for name, _, _ in key},
                kw_only=True,
                eq=compared,
                # answers are trees, and no part of one refers to another
                gc=False,
            )
        return found

    def _value(self, slot: Slot, most: int) -> Any:
        if slot.shape is not None:
            if slot.lists is None:
                raise Unsuitable
            of = self._object(slot.shape, most) | None
        else:
            of = self._leaf(slot)
        for _ in range(slot.lists or 0):
            of = _listed(of)
        return of

    def _leaf(self, slot: Slot) -> Any:
        if slot.named is None or slot.lists is None:
            return Any
        if slot.named in self._enums:
            return str | None
        return _SCALARS.get(slot.named, Any)


def _listed(of: Any) -> Any:
    return list[of | None] | None


_readers: WeakKeyDictionary[GraphQLSchema, Readers] = WeakKeyDictionary()


def readers_of(schema: GraphQLSchema) -> Readers:
    """Return the readers of a schema, which live as long as it does."""
    found = _readers.get(schema)
    if found is None:
        enums = [name for name, of in schema.type_map.items() if isinstance(of, GraphQLEnumType)]
        found = _readers[schema] = Readers(frozenset(enums))
    return found
