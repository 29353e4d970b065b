"""What the generators of :mod:`gathering` and :mod:`projection` share.

Generated code holds no text of the client but what ``repr`` wrote: response keys and type names,
which are GraphQL names. Everything else goes through a table of constants.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from router.execution.shapes import Shape
from router.execution.steps import FetchStep
from router.execution.types import Types
from router.planning.plan import EACH, OnTypes, Path

__all__ = [
    "Awaited",
    "Code",
    "Pending",
    "Segment",
    "Source",
    "Unsuitable",
    "advance",
    "arrived",
    "attribute",
    "pending_of",
    "segments",
]


MAX_TEXT: Final = 200_000
"""Characters of a module beyond which it is not compiled: nobody is answered meanwhile, for so many
some 0.1 s."""


class Unsuitable(Exception):
    """There is no generated code for this: the plain form, or dictionaries, will do."""


def attribute(key: str) -> str:
    """The attribute of a typed object that holds a response key, which may be a word of Python's."""
    return f"f_{key}"


class Code:
    """Lines of a generated module, with the constants they name.

    ``typed``: the objects it reads are typed (:mod:`router.execution.typed`), not dictionaries.
    """

    def __init__(self, *, typed: bool = False) -> None:
        self.typed = typed
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def constant(self, prefix: str, value: Any) -> str:
        """Return the name of a constant; hashable values are kept once."""
        key = (prefix, value)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"{prefix}{len(self._names)}"
            self.constants[name] = value
        return name

    def add(self, indent: int, text: str) -> None:
        """Append a line."""
        self.lines.append("    " * indent + text)

    def read(self, source: Source, key: str) -> str:
        """Return the expression for what an object holds under a key; None where it may lack it."""
        if self.typed:
            return f"{source.variable}.{attribute(key)}"
        slot = source.shape.slots.get(key)
        if slot is not None and slot.sure:
            return f"{source.variable}[{key!r}]"
        return f"{source.variable}.get({key!r})"

    @property
    def text(self) -> str:
        """The module's source."""
        return "\n".join(self.lines) + "\n"

    def load(self, title: str, function: str, names: dict[str, Any]) -> Any:
        """Run the module and return its one function.

        The function's globals do not hold the function: it is freed with its last user, and does
        not wait for the garbage collector. Raises Unsuitable where the text is too long, or nested too
        deeply for Python.
        """
        text = self.text
        if len(text) > MAX_TEXT:
            raise Unsuitable
        try:
            compiled = compile(text, f"<generated {title}>", "exec")
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise Unsuitable from error
        space = {**names, **self.constants}
        # the text is ours: see the module's docstring
        exec(compiled, space)  # noqa: S102
        return space.pop(function)


class Segment(Struct, frozen=True):
    """One key of a path, the types it is meant for (None: any), and the list levels below it."""

    types: frozenset[str] | None
    key: str
    lists: int


class Pending(Struct, frozen=True):
    """An answer that will contribute at the end of ``path``, seen from a place above it.

    ``call`` is the index of an ``_entities`` call, or None for the root fetch ``fetch``.
    """

    fetch: int
    call: int | None
    path: tuple[Segment, ...]
    types: frozenset[str] | None
    shape: Shape


class Awaited(tuple[Pending, ...]):
    """What is still to contribute at a place and below it, looked up by the key it lies below.

    Operations select a thousand fields of one object: each of them must not look at all others'.
    """

    @cached_property
    def here(self) -> list[Pending]:
        """What contributes right here."""
        return [each for each in self if not each.path]

    @cached_property
    def by_key(self) -> dict[str, list[Pending]]:
        """The others, by the next key of their path."""
        found: dict[str, list[Pending]] = {}
        for each in self:
            if each.path:
                found.setdefault(each.path[0].key, []).append(each)
        return found

    @cached_property
    def below(self) -> dict[tuple[str, frozenset[str] | None], Awaited]:
        """What was found below a key on objects of some types."""
        return {}


class Source(Struct, frozen=True):
    """A variable of generated code that holds an object, and what the object may hold."""

    variable: str
    shape: Shape


def segments(path: Path, types: Types) -> tuple[tuple[Segment, ...], frozenset[str] | None]:
    """Split a path into its keys; the second value is the type condition at its end."""
    found: list[Segment] = []
    condition: frozenset[str] | None = None
    for item in path:
        if isinstance(item, OnTypes):
            names = expand(item.types, types)
            condition = names if condition is None else condition & names
        elif item == EACH:
            if found:
                found[-1] = replace(found[-1], lists=found[-1].lists + 1)
        else:
            found.append(Segment(condition, item, 0))
            condition = None
    return tuple(found), condition


def expand(names: Iterable[str], types: Types) -> frozenset[str]:
    """Return the names with all object types that they can stand for."""
    return frozenset(each for name in names for each in (name, *types.possible(name)))


def pending_of(steps: Iterable[FetchStep], types: Types) -> Awaited:
    """Return what the given steps will contribute, seen from the root."""
    found: list[Pending] = []
    for step in steps:
        for call in step.calls:
            for path in call.call.paths:
                keys, condition = segments(path, types)
                found.append(Pending(step.index, call.index, keys, condition, call.shape))
        if not step.calls:
            keys, condition = segments(step.fetch.at, types)
            found.append(Pending(step.index, None, keys, condition, step.shapes.root))
    return Awaited(found)


def advance(pending: Awaited, key: str, types: frozenset[str] | None) -> Awaited:
    """Return what is still pending below ``key`` on objects of ``types`` (None: any)."""
    found = pending.below.get((key, types))
    if found is None:
        found = pending.below[key, types] = Awaited(
            replace(each, path=each.path[1:])
            for each in pending.by_key.get(key, ())
            if _meet(each.path[0].types, types)
        )
    return found


def arrived(pending: Awaited, types: frozenset[str] | None) -> tuple[Pending, ...]:
    """Return what contributes right here to objects of ``types``, each answer once, in order."""
    found: dict[tuple[int, int | None], Pending] = {}
    for each in pending.here:
        if _meet(each.types, types):
            found.setdefault((each.fetch, each.call), each)
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or 0)))


def _meet(one: frozenset[str] | None, two: frozenset[str] | None) -> bool:
    return one is None or two is None or not one.isdisjoint(two)
