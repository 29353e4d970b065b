"""What to send for an object that an ``_entities`` call asks about, as generated text.

The walk (:mod:`router.execution.gathering`) brings to each object the answers that hold parts of
it; here the text is written that reads the properties of its representation, gives equal
representations one number, and notes by identity which number stands for the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from msgspec import Struct

from router.execution.generating import Code, Source, Unsuitable
from router.execution.overlap import Mismatch
from router.execution.representations import represent
from router.execution.steps import CallStep
from router.execution.types import Types
from router.planning.plan import Input, InputField, InputSelection

__all__ = ["HELPERS", "Group", "Sending"]


class Group(Struct, frozen=True):
    """Runtime types whose representations have the same properties."""

    number: int
    typename: str | None
    fields: tuple[InputField, ...]


class Sending:
    """Writes what one call sends; ``groups`` by what is sent, ``single``: one type is all."""

    def __init__(self, code: Code, call: CallStep, types: Types) -> None:
        self.code = code
        self._call = call
        self._types = types
        self.groups: dict[tuple[str | None, tuple[InputField, ...]], Group] = {}
        self._by_type = {name: self._group_of(name) for name in self._candidates()}
        self.single = self._one_kind()
        self._names = 0

    def target(
        self,
        sources: list[Source],
        static: str | None,
        indent: int,
        tainted: bool,
        below: frozenset[str],
    ) -> None:
        """Write what is sent for an object; ``below``: its keys that later answers add to."""
        if static is not None:
            group = self._by_type.get(static)
            if group is not None:
                self._representation(group, repr(static), sources, indent, tainted, below)
            return
        runtime = self.runtime(sources, indent)
        if runtime is None:
            raise Unsuitable
        word = "if"
        for group in self.groups.values():
            names = frozenset(name for name, of in self._by_type.items() if of is group)
            known = self.code.constant("TYPES", names)
            self.code.add(indent, f"{word} {runtime} in {known}:")
            wrote = len(self.code.lines)
            self._representation(group, runtime, sources, indent + 1, tainted, below)
            if len(self.code.lines) == wrote:
                self.code.add(indent + 1, "pass")
            word = "elif"

    def _representation(
        self,
        group: Group,
        runtime: str,
        sources: list[Source],
        indent: int,
        tainted: bool,
        below: frozenset[str],
    ) -> None:
        reads = []
        for each in group.fields:
            known = [source for source in sources if each.key in source.shape.slots]
            if not known:
                return  # a property that nothing brings: the object cannot be sent
            if each.selections and (each.key in below or len(known) > 1):
                raise Unsuitable  # its parts lie in several answers, and are one only when merged
            reads.append((each, known))
        values, parts, keys, conditions = [], [], [], []
        for each, known in reads:
            value, part = self._property(each, known, indent)
            values.append((each, value))
            parts.append(part)
            if not each.required and not each.selections:
                keys.append(value)
            # an object that lacks the property, as an entity that was not found does, is not sent
            if len(known) > 1 or not known[0].shape.slots[each.key].sure:
                there = " or ".join(f"{each.key!r} in {one.variable}" for one in known)
                conditions.append(f"({value} is not None or {there})")
            elif known[0] is not sources[0]:
                conditions.append(f"{known[0].variable} is not NOTHING")
        conditions = sorted(set(conditions))
        if keys and all(each.required or not each.selections for each in group.fields):
            conditions.append("not (" + " and ".join(f"{key} is None" for key in keys) + ")")
        if conditions:
            self.code.add(indent, f"if {' and '.join(conditions)}:")
            indent += 1
        sent = repr(group.typename) if group.typename is not None else runtime
        self._send(group, sent, values, parts, sources[0].variable, indent, tainted)

    def _send(
        self,
        group: Group,
        sent: str,
        values: list[tuple[InputField, str]],
        parts: list[str],
        target: str,
        indent: int,
        tainted: bool,
    ) -> None:
        self.number(group, sent, values, parts, indent)
        note = f"note(overlay, {target}, i)" if tainted else f"overlay[id({target})] = i"
        self.code.add(indent, note)

    def number(
        self,
        group: Group,
        sent: str,
        values: list[tuple[InputField, str]],
        parts: list[str],
        indent: int,
    ) -> None:
        """Write how a representation gets its number: that of an equal one, or the next."""
        add = self.code.add
        if self.single and len(parts) == 1:
            key = parts[0]
        elif self.single:
            key = f"({', '.join(parts)},)" if parts else "()"
        else:
            key = f"({', '.join([str(group.number), sent, *parts])},)"
        add(indent, f"k = {key}")
        add(indent, "i = seen.get(k)")
        add(indent, "if i is None:")
        add(indent + 1, "i = seen[k] = len(found)")
        pairs = {"__typename": sent, **{each.name: value for each, value in values}}
        body = ", ".join(f"{name!r}: {value}" for name, value in pairs.items())
        add(indent + 1, f"found.append({{{body}}})")

    def _property(self, each: InputField, known: list[Source], indent: int) -> tuple[str, str]:
        """Write the reading of a property; return its variable and its part of the key."""
        value = self.name("k")
        self.code.add(indent, f"{value} = {self.code.read(known[0], each.key)}")
        for other in known[1:]:
            more = self.code.read(other, each.key)
            self.code.add(indent, f"if {value} is None: {value} = {more}")
        if each.selections:
            if self.code.typed:
                raise Unsuitable  # what is copied must be dictionaries
            name = self.code.constant("NESTED", _Nested(each, self._types))
            self.code.add(indent, f"{value} = {name}({value})")
            return value, f"dumps({value})"
        return value, f"{value} if {value}.__class__ is str else hashed({value})"

    def _candidates(self) -> set[str]:
        return {
            name
            for each in self._call.call.inputs
            for name in (each.on, *self._types.possible(each.on))
        }

    def _group_of(self, runtime: str) -> Group:
        typename: str | None = None
        fields: dict[str, InputField] = {}
        for each in self._call.call.inputs:
            if self._types.fits(runtime, each.on):
                typename = each.typename if each.typename is not None else typename
                for one in self._flat(each, each.selections, runtime):
                    fields[one.name] = one
        key = (typename, tuple(fields.values()))
        return self.groups.setdefault(key, Group(len(self.groups), *key))

    def _flat(
        self, owner: Input, selections: Sequence[InputSelection], runtime: str
    ) -> list[InputField]:
        found: list[InputField] = []
        if owner.when or owner.any_of:
            raise Unsuitable
        for each in selections:
            if not isinstance(each, InputField):
                raise Unsuitable
            if _conditional(each):
                raise Unsuitable
            if each.name != "__typename":
                found.append(each)
        return found

    def _one_kind(self) -> bool:
        """Return whether one type name is all that can be sent."""
        statics = set(self._call.statics)
        return len(self.groups) == 1 and len(statics) == 1 and None not in statics

    def name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    def runtime(self, sources: list[Source], indent: int) -> str | None:
        """Write the reading of ``__typename``; None where no answer has it."""
        known = [source for source in sources if "__typename" in source.shape.slots]
        if not known:
            return None
        variable = self.name("t")
        reads = [self.code.read(source, "__typename") for source in known]
        if len(reads) == 1:
            self.code.add(indent, f"{variable} = {reads[0]}")
        else:
            objects = self.code.constant("OBJECTS", self._types)
            self.code.add(indent, f"{variable} = typename({objects}, {', '.join(reads)})")
        return variable


def _conditional(selection: InputSelection) -> bool:
    """Return whether variables decide what of a property is sent, at whatever depth."""
    if isinstance(selection, InputField) and (selection.when or selection.any_of):
        return True
    return any(map(_conditional, selection.selections))


class _Nested:
    """A property with sub-selections, copied by the plain form."""

    def __init__(self, each: InputField, types: Types) -> None:
        self._input = (Input("?", (InputField("value", "value", each.selections, each.required),)),)
        self._types = types

    def __call__(self, value: Any) -> Any:
        sent = represent({"value": value}, self._input, "?", self._types, {})
        if sent is None:
            raise Mismatch
        return sent["value"]


def _hashed(value: Any) -> Any:
    """Return a hashable form that keeps 1, 1.0, true and "1" apart."""
    if value is None or value.__class__ is int or value.__class__ is str:
        return value
    return orjson.dumps(value)


def _typename(types: Types, *names: Any) -> Any:
    """Return the concrete type among the names that several answers give, else the first."""
    given = [name for name in names if isinstance(name, str)]
    for name in given:
        if types.is_object(name):
            return name
    return given[0] if given else None


HELPERS: Final = {
    "Mismatch": Mismatch,
    "hashed": _hashed,
    "dumps": orjson.dumps,
    "typename": _typename,
}
"""What the text calls, by the names it uses."""
