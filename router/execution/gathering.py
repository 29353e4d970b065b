"""Generated functions that find the objects of an ``_entities`` call and what to send for them.

For the call at ``users.@.reviews.@.product`` with key ``upc`` the text is, in essence::

    def gather_3(run):
        seen = {}; found = []; overlay = {}
        for o1 in run.data[0]["users"]:
            i1 = run.items[0][run.overlays[0].get(id(o1), -1)]
            for o2 in i1["reviews"]:
                o3 = o2["product"]
                k0 = o3["upc"]
                i = seen.get(k0)
                if i is None:
                    i = seen[k0] = len(found)
                    found.append({"__typename": "Product", "upc": k0})
                overlay[id(o3)] = i
        return found, overlay

Answers stay as they are: ``overlay`` notes by identity which representation stands for an object.
Where all objects of an earlier call are meant, its items are walked instead of their places: each
distinct entity once. What the text cannot handle raises, and the plain form takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from router.execution.generating import (
    Code,
    Pending,
    Segment,
    Source,
    advance,
    arrived,
    pending_of,
    segments,
)
from router.execution.overlap import Mismatch
from router.execution.representations import represent
from router.execution.run import NOTHING, Run
from router.execution.shapes import Shape, unite
from router.execution.steps import CallStep, FetchStep
from router.execution.types import Types
from router.planning.plan import Input, InputField, InputSelection, Path

__all__ = ["Gatherer", "Gathering", "generate_gatherer"]

Gatherer: TypeAlias = Callable[[Run], tuple[list[dict[str, Any]], dict[int, int]]]


@dataclass(frozen=True, slots=True)
class Gathering:
    """A call's generated function; ``follows``: the call whose objects and order it takes over."""

    call: CallStep
    function: Gatherer
    text: str
    follows: int | None


MAX_LOOPS: Final = 18
"""Python nests no more than twenty blocks."""


class _Unsuitable(Exception):
    """The call needs the plain form."""


@dataclass(slots=True)
class _Node:
    """A place on the call's paths: the keys that go on, and the paths that end."""

    below: dict[tuple[frozenset[str] | None, str], tuple[Segment, _Node]] = field(
        default_factory=dict
    )
    ends: list[tuple[frozenset[str] | None, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Group:
    """Runtime types whose representations have the same properties."""

    number: int
    typename: str | None
    fields: tuple[InputField, ...]


def generate_gatherer(
    step: FetchStep, call: CallStep, steps: Sequence[FetchStep], types: Types
) -> Gathering | None:
    """Return the function and its text, or None where only the plain form will do."""
    try:
        writer = _Writer(step, call, steps, types)
        writer.write()
    except _Unsuitable:
        return None
    space = writer.code.load(
        f"gatherer {call.index}",
        {
            "Mismatch": Mismatch,
            "hashed": _hashed,
            "dumps": orjson.dumps,
            "typename": _typename,
            "NOTHING": NOTHING,
        },
    )
    function: Gatherer = space[f"gather_{call.index}"]
    follows = writer.follows.index if writer.follows is not None else None
    return Gathering(call, function, writer.code.text, follows)


class _Writer:
    def __init__(
        self, step: FetchStep, call: CallStep, steps: Sequence[FetchStep], types: Types
    ) -> None:
        if call.call.context:
            raise _Unsuitable
        self.code = Code()
        self._call = call
        self._types = types
        self._ancestors = [each for each in steps if each.index in step.ancestors]
        self._pending = pending_of(self._ancestors, types)
        self._groups: dict[tuple[str | None, tuple[InputField, ...]], _Group] = {}
        self._by_type = {name: self._group_of(name) for name in self._candidates()}
        self._single = self._one_kind()
        self._names = 0
        self.follows: CallStep | None = None

    def write(self) -> None:
        add = self.code.add
        add(0, f"def gather_{self._call.index}(run):")
        self.follows = self._leader()
        if self.follows is not None:
            self._follow(self.follows)
            return
        add(1, "data = run.data; items = run.items; overlays = run.overlays")
        add(1, "overlaps = run.overlaps; note = overlaps.note")
        add(1, "seen = {}; found = []; overlay = {}")
        for start, suffixes in self._starts():
            self._from_items(start, suffixes)
        root = self._trie(self._from_root)
        if root.below:
            here = [each for each in self._pending if not each.path]
            sources = [Source(f"data[{each.fetch}]", each.shape) for each in here]
            self._place(root, sources, self._pending, None, 1, 0, tainted=False)
        add(1, "return found, overlay")

    # a call for the same objects as an earlier one

    def _leader(self) -> CallStep | None:
        """Return an earlier call of the same objects that decides what is sent here."""
        statics = set(self._call.statics)
        if not self._single or len(statics) != 1:
            return None
        (group,) = self._groups.values()
        for step in reversed(self._ancestors):
            for earlier in step.calls:
                if (
                    set(earlier.call.paths) == set(self._call.call.paths)
                    and set(earlier.statics) == statics
                    and not earlier.call.context
                    and all(self._decides(earlier, each) for each in group.fields)
                ):
                    return earlier
        return None

    def _decides(self, earlier: CallStep, each: InputField) -> bool:
        if each.selections:
            return False
        if self._sent_as(earlier, each) is not None:
            return True
        shapes = [shape for path in self._call.call.paths for shape in self._shapes_at(path)]
        return (
            all(shape is earlier.shape for shape in shapes if each.key in shape.slots)
            and each.key in earlier.shape.slots
        )

    def _sent_as(self, earlier: CallStep, each: InputField) -> str | None:
        """Return the property of the earlier representation that holds the same value."""
        for group in earlier.call.inputs:
            for one in group.selections:
                if isinstance(one, InputField) and one.key == each.key and not one.selections:
                    return one.name
        return None

    def _follow(self, earlier: CallStep) -> None:
        """Write the loop over the earlier call's representations and items."""
        (group,) = self._groups.values()
        add = self.code.add
        add(1, f"sent = run.representations[{earlier.index}]; items = run.items[{earlier.index}]")
        add(1, f"noted = run.overlays[{earlier.index}]")
        add(1, "if len(items) != len(sent) + 1: raise Mismatch")
        add(1, "seen = {}; found = []; to = []")
        add(1, "for r, e in zip(sent, items):")
        values, parts, keys, checks = [], [], [], []
        for each in group.fields:
            value = self._name("k")
            name = self._sent_as(earlier, each)
            if name is not None:
                add(2, f"{value} = r[{name!r}]")
                add(2, f"if {value} is None: raise Mismatch")
            else:
                add(2, f"{value} = e[{each.key!r}]")
                checks.append("e is not NOTHING")
            values.append((each, value))
            parts.append(f"{value} if {value}.__class__ is str else hashed({value})")
            if not each.required:
                keys.append(value)
        add(2, "i = -1")
        conditions = sorted(set(checks))
        if keys:
            conditions.append("not (" + " and ".join(f"{key} is None" for key in keys) + ")")
        add(2, f"if {' and '.join(conditions) or 'True'}:")
        (static,) = set(self._call.statics)
        typename = repr(group.typename if group.typename is not None else static)
        self._number(group, typename, values, parts, 3)
        add(2, "to.append(i)")
        add(1, "if len(found) == len(sent): return found, noted")
        add(1, "return found, {o: to[i] for o, i in noted.items()}")

    # where to start

    def _starts(self) -> list[tuple[CallStep, dict[int, tuple[Segment, ...]]]]:
        """Find earlier calls all of whose objects are meant, and take their paths out."""
        paths = {
            position: segments(path, self._types)
            for position, path in enumerate(self._call.call.paths)
        }
        raw = dict(enumerate(self._call.call.paths))
        chosen: dict[int, tuple[CallStep, dict[int, tuple[Segment, ...]]]] = {}
        for step in reversed(self._ancestors):
            for earlier in step.calls:
                starts = earlier.call.paths
                suffixes: dict[tuple[Any, ...], set[int]] = {}
                for start in starts:
                    for position, path in raw.items():
                        if path[: len(start)] == start and len(path) > len(start):
                            suffixes.setdefault(path[len(start) :], set()).add(position)
                for suffix, positions in suffixes.items():
                    keys, condition = segments(suffix, self._types)
                    whole = len(positions) == len(set(starts)) and all(p in raw for p in positions)
                    if whole and keys and self._exclusive(earlier, keys[0]) and condition is None:
                        chosen.setdefault(earlier.index, (earlier, {}))[1][min(positions)] = keys
                        for position in positions:
                            del raw[position]
        self._from_root = {position: paths[position] for position in raw}
        return list(chosen.values())

    def _exclusive(self, earlier: CallStep, segment: Segment) -> bool:
        """Return whether only ``earlier`` brings the first key below its objects."""
        if segment.key not in earlier.shape.slots or segment.types is not None:
            return False
        for path in earlier.call.paths:
            shapes = self._shapes_at(path)
            if sum(segment.key in shape.slots for shape in shapes) != 1:
                return False
        return True

    def _shapes_at(self, path: Path) -> list[Shape]:
        """Return the shapes of all answers that contribute to objects at ``path``."""
        keys, condition = segments(path, self._types)
        pending: tuple[Pending, ...] = self._pending
        shapes = [each.shape for each in arrived(pending, None)]
        for each in keys:
            shapes = [
                slot.shape
                for shape in shapes
                if (slot := shape.slots.get(each.key)) is not None and slot.shape is not None
            ]
            pending = advance(pending, each.key, each.types)
            shapes += [one.shape for one in arrived(pending, condition)]
        return shapes

    def _from_items(self, start: CallStep, suffixes: dict[int, tuple[Segment, ...]]) -> None:
        keys, _ = segments(start.call.paths[0], self._types)
        pending: tuple[Pending, ...] = self._pending
        for each in keys:
            pending = advance(pending, each.key, each.types)
        variable = self._name("e")
        self.code.add(1, f"for {variable} in items[{start.index}]:")
        trie = self._trie({position: (path, None) for position, path in suffixes.items()})
        below = tuple(each for each in pending if each.path)
        self._place(trie, [Source(variable, start.shape)], below, None, 2, 1, tainted=False)

    def _trie(
        self, paths: Mapping[int, tuple[tuple[Segment, ...], frozenset[str] | None]]
    ) -> _Node:
        root = _Node()
        for position, (keys, condition) in paths.items():
            node = root
            for each in keys:
                node = node.below.setdefault((each.types, each.key), (each, _Node()))[1]
            node.ends.append((condition, position))
        return root

    # walking

    def _place(
        self,
        node: _Node,
        sources: list[Source],
        pending: Sequence[Pending],
        static: str | None,
        indent: int,
        loops: int,
        *,
        tainted: bool,
    ) -> None:
        wrote = len(self.code.lines)
        for (condition, key), (segment, below) in node.below.items():
            inner = self._filter(sources, condition, static, indent)
            if inner is not None:
                self._descend(below, segment, key, sources, pending, inner, loops, tainted=tainted)
        for condition, position in node.ends:
            inner = self._filter(sources, condition, static, indent)
            if inner is not None:
                self._target(sources, self._call.statics[position] or static, inner, tainted)
        if len(self.code.lines) == wrote:
            self.code.add(indent, "pass")

    def _descend(
        self,
        node: _Node,
        segment: Segment,
        key: str,
        sources: list[Source],
        pending: Sequence[Pending],
        indent: int,
        loops: int,
        *,
        tainted: bool,
    ) -> None:
        slots = [
            (source, slot)
            for source in sources
            if (slot := source.shape.slots.get(key)) is not None and slot.shape is not None
        ]
        if not slots:
            return
        value = self._name("v")
        if len(slots) == 1:
            source, slot = slots[0]
            read = f"[{key!r}]" if slot.sure else f".get({key!r})"
            self.code.add(indent, f"{value} = {source.variable}{read}")
            shape = slot.shape
        else:
            tainted = True
            shape = unite(slot.shape for _, slot in slots if slot.shape is not None)
            self._join(value, key, [source for source, _ in slots], shape, indent)
        assert shape is not None
        lists = slots[0][1].lists if slots[0][1].lists is not None else segment.lists
        loops += lists
        if loops > MAX_LOOPS:
            raise _Unsuitable
        self.code.add(indent, f"if {value} is not None:")
        indent += 1
        for _ in range(lists):
            item = self._name("o")
            self.code.add(indent, f"if {value}.__class__ is not list: raise Mismatch")
            self.code.add(indent, f"for {item} in {value}:")
            self.code.add(indent + 1, f"if {item} is not None:")
            value, indent = item, indent + 2
        below = advance(pending, key, segment.types)
        inner = [Source(value, shape)]
        for each in arrived(below, None):
            inner.append(self._overlay(each, value, indent, tainted=tainted))
        statics = {slot.static for _, slot in slots}
        static = statics.pop() if len(statics) == 1 else None
        self._place(node, inner, below, static, indent, loops, tainted=tainted)

    def _join(
        self, value: str, key: str, sources: Sequence[Source], shape: Any, indent: int
    ) -> None:
        name = self.code.constant("SHAPE", shape)
        self.code.add(indent, f"{value} = {sources[0].variable}.get({key!r})")
        for source in sources[1:]:
            other = f"{source.variable}.get({key!r})"
            self.code.add(indent, f"{value} = overlaps.join({value}, {other}, {name})")

    def _overlay(self, each: Pending, value: str, indent: int, *, tainted: bool) -> Source:
        variable = self._name("i")
        if each.call is None:
            self.code.add(indent, f"{variable} = data[{each.fetch}]")
        else:
            look = (
                f"overlaps.find(overlays[{each.call}], {value})"
                if tainted
                else f"overlays[{each.call}].get(id({value}), -1)"
            )
            self.code.add(indent, f"{variable} = items[{each.call}][{look}]")
        return Source(variable, each.shape)

    def _filter(
        self,
        sources: list[Source],
        condition: frozenset[str] | None,
        static: str | None,
        indent: int,
    ) -> int | None:
        """Write the check of a type condition; None where nothing can pass it."""
        if condition is None:
            return indent
        if static is not None:
            return indent if static in condition else None
        runtime = self._runtime(sources, indent)
        if runtime is None:
            return indent
        name = self.code.constant("TYPES", condition)
        self.code.add(indent, f"if {runtime} is None or {runtime} in {name}:")
        return indent + 1

    def _runtime(self, sources: list[Source], indent: int) -> str | None:
        """Write the reading of ``__typename``; None where no answer has it."""
        known = [source for source in sources if "__typename" in source.shape.slots]
        if not known:
            return None
        variable = self._name("t")
        reads = [f"{source.variable}.get('__typename')" for source in known]
        if len(reads) == 1:
            self.code.add(indent, f"{variable} = {reads[0]}")
        else:
            objects = self.code.constant("OBJECTS", self._types)
            self.code.add(indent, f"{variable} = typename({objects}, {', '.join(reads)})")
        return variable

    # representations

    def _target(
        self, sources: list[Source], static: str | None, indent: int, tainted: bool
    ) -> None:
        if static is not None:
            group = self._by_type.get(static)
            if group is not None:
                self._representation(group, repr(static), sources, indent, tainted)
            return
        runtime = self._runtime(sources, indent)
        if runtime is None:
            raise _Unsuitable
        word = "if"
        for group in self._groups.values():
            names = frozenset(name for name, of in self._by_type.items() if of is group)
            known = self.code.constant("TYPES", names)
            self.code.add(indent, f"{word} {runtime} in {known}:")
            wrote = len(self.code.lines)
            self._representation(group, runtime, sources, indent + 1, tainted)
            if len(self.code.lines) == wrote:
                self.code.add(indent + 1, "pass")
            word = "elif"

    def _representation(
        self, group: _Group, runtime: str, sources: list[Source], indent: int, tainted: bool
    ) -> None:
        reads = []
        for each in group.fields:
            known = [source for source in sources if each.key in source.shape.slots]
            if not known:
                return  # a property that nothing brings: the object cannot be sent
            reads.append((each, known))
        values, parts, keys, conditions = [], [], [], []
        for each, known in reads:
            value, part = self._property(each, known, indent)
            values.append((each, value))
            parts.append(part)
            if not each.required and not each.selections:
                keys.append(value)
            if len(known) == 1 and known[0] is not sources[0]:
                # an entity that was not found lacks the property: not sent
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
        group: _Group,
        sent: str,
        values: list[tuple[InputField, str]],
        parts: list[str],
        target: str,
        indent: int,
        tainted: bool,
    ) -> None:
        self._number(group, sent, values, parts, indent)
        note = f"note(overlay, {target}, i)" if tainted else f"overlay[id({target})] = i"
        self.code.add(indent, note)

    def _number(
        self,
        group: _Group,
        sent: str,
        values: list[tuple[InputField, str]],
        parts: list[str],
        indent: int,
    ) -> None:
        """Write how a representation gets its number: that of an equal one, or the next."""
        add = self.code.add
        if self._single and len(parts) == 1:
            key = parts[0]
        elif self._single:
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
        value = self._name("k")
        sure = known[0].shape.slots[each.key].sure
        read = f"[{each.key!r}]" if sure else f".get({each.key!r})"
        self.code.add(indent, f"{value} = {known[0].variable}{read}")
        for other in known[1:]:
            self.code.add(
                indent, f"if {value} is None: {value} = {other.variable}.get({each.key!r})"
            )
        if each.selections:
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

    def _group_of(self, runtime: str) -> _Group:
        typename: str | None = None
        fields: dict[str, InputField] = {}
        for each in self._call.call.inputs:
            if self._types.fits(runtime, each.on):
                typename = each.typename if each.typename is not None else typename
                for one in self._flat(each, each.selections, runtime):
                    fields[one.name] = one
        key = (typename, tuple(fields.values()))
        return self._groups.setdefault(key, _Group(len(self._groups), *key))

    def _flat(
        self, owner: Input, selections: Sequence[InputSelection], runtime: str
    ) -> list[InputField]:
        found: list[InputField] = []
        if owner.when:
            raise _Unsuitable
        for each in selections:
            if not isinstance(each, InputField):
                raise _Unsuitable
            if each.when:
                raise _Unsuitable
            if each.name != "__typename":
                found.append(each)
        return found

    def _one_kind(self) -> bool:
        """Return whether one type name is all that can be sent."""
        statics = set(self._call.statics)
        return len(self._groups) == 1 and len(statics) == 1 and None not in statics

    def _name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"


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
