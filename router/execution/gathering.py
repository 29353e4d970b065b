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
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from router.execution.generating import (
    Awaited,
    Code,
    Pending,
    Segment,
    Source,
    Unsuitable,
    advance,
    arrived,
    pending_of,
    segments,
)
from router.execution.sending import HELPERS, Sending
from router.execution.shapes import Shape, unite
from router.execution.state import NOTHING, State
from router.execution.steps import CallStep, FetchStep
from router.execution.types import Types
from router.planning.plan import InputField, Path

__all__ = ["Gatherer", "Gathering", "generate_gatherer"]

Gatherer: TypeAlias = Callable[[State], tuple[list[dict[str, Any]], dict[int, int]]]


class Gathering(Struct, frozen=True):
    """A call's generated function; ``follows``: the call whose objects and order it takes over."""

    call: CallStep
    function: Gatherer
    text: str
    follows: int | None


MAX_LOOPS: Final = 18
"""Python nests no more than twenty blocks."""


class _Node(Struct):
    """A place on the call's paths: the keys that go on, and the paths that end."""

    below: dict[tuple[frozenset[str] | None, str], tuple[Segment, _Node]] = field(
        default_factory=dict
    )
    ends: list[tuple[frozenset[str] | None, int]] = field(default_factory=list)


def generate_gatherer(
    step: FetchStep,
    call: CallStep,
    steps: Sequence[FetchStep],
    types: Types,
    *,
    typed: bool = False,
) -> Gathering | None:
    """Return the function and its text, or None where only the plain form will do.

    ``typed``: it reads typed objects.
    """
    try:
        writer = _Writer(step, call, steps, types, typed=typed)
        writer.write()
        function: Gatherer = writer.code.load(
            f"gatherer {call.index}", f"gather_{call.index}", {**HELPERS, "NOTHING": NOTHING}
        )
    except Unsuitable:
        return None
    follows = writer.follows.index if writer.follows is not None else None
    return Gathering(call, function, writer.code.text, follows)


class _Writer:
    def __init__(
        self,
        step: FetchStep,
        call: CallStep,
        steps: Sequence[FetchStep],
        types: Types,
        *,
        typed: bool,
    ) -> None:
        if call.call.context:
            raise Unsuitable
        self.code = Code(typed=typed)
        self._call = call
        self._types = types
        self._step = step
        self._ancestors = [each for each in steps if each.index in step.ancestors]
        self._pending = pending_of(self._ancestors, types)
        self._sending = Sending(self.code, call, types)
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
            sources = [Source(f"data[{each.fetch}]", each.shape) for each in self._pending.here]
            self._place(root, sources, self._pending, None, 1, 0, tainted=False)
        add(1, "return found, overlay")

    # a call for the same objects as an earlier one

    def _leader(self) -> CallStep | None:
        """Return an earlier call of the same objects that decides what is sent here."""
        statics = set(self._call.statics)
        if not self._sending.single or len(statics) != 1:
            return None
        (group,) = self._sending.groups.values()
        for step in reversed(self._ancestors):
            for earlier in step.calls:
                if (
                    set(earlier.call.paths) == set(self._call.call.paths)
                    and set(earlier.statics) == statics
                    and not earlier.call.context
                    and all(self._decides(earlier, each) for each in group.fields)
                    and self._found_all(step)
                ):
                    return earlier
        return None

    def _found_all(self, earlier: FetchStep) -> bool:
        """Return whether a call of an earlier step found all objects that there are here.

        It has not where it may not have run, or where an answer since then brought others.
        """
        mine, before = self._step.fetch, earlier.fetch
        if not set(before.when) <= set(mine.when) or before.any_of not in ((), mine.any_of):
            return False
        steps = [each for each in self._ancestors if each.index in earlier.ancestors]
        pending = pending_of(steps, self._types)
        return all(
            self._contributions(path, self._pending)[0] == self._contributions(path, pending)[0]
            for path in self._call.call.paths
        )

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
        (group,) = self._sending.groups.values()
        add = self.code.add
        add(1, f"sent = run.representations[{earlier.index}]; items = run.items[{earlier.index}]")
        add(1, f"noted = run.overlays[{earlier.index}]")
        add(1, "if len(items) != len(sent) + 1: raise Mismatch")
        add(1, "seen = {}; found = []; to = []")
        add(1, "for r, e in zip(sent, items):")
        values, parts, keys, checks = [], [], [], []
        for each in group.fields:
            value = self._sending.name("k")
            name = self._sent_as(earlier, each)
            if name is not None:
                add(2, f"{value} = r[{name!r}]")
                add(2, f"if {value} is None: raise Mismatch")
            else:
                add(2, f"{value} = {self.code.read(Source('e', earlier.shape), each.key)}")
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
        self._sending.number(group, typename, values, parts, 3)
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
                    if (
                        whole
                        and keys
                        and condition is None
                        and self._exclusive(earlier, keys[0])
                        and self._adds_alike(earlier, keys)
                    ):
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

    def _adds_alike(self, earlier: CallStep, suffix: tuple[Segment, ...]) -> bool:
        """Return whether the same answers add to what is read below ``earlier``, at all its places."""
        nested = {
            each.key
            for one in self._call.call.inputs
            for each in one.selections
            if isinstance(each, InputField) and each.selections
        }
        first, *others = (self._added(path, suffix, nested) for path in earlier.call.paths)
        return all(other == first for other in others)

    def _added(self, path: Path, suffix: tuple[Segment, ...], nested: set[str]) -> list[Any]:
        """What contributes to the objects on the way from a place, and below the last of them."""
        pending = self._pending_at(path)
        found: list[Any] = []
        for each in suffix:
            pending = advance(pending, each.key, each.types)
            found.append({(one.fetch, one.call, one.types) for one in pending.here})
        found.append({one for one in pending if one.path and one.path[0].key in nested})
        return found

    def _pending_at(self, path: Path) -> Awaited:
        """Return what is pending at and below a place."""
        keys, _ = segments(path, self._types)
        pending = self._pending
        for each in keys:
            pending = advance(pending, each.key, each.types)
        return pending

    def _shapes_at(self, path: Path) -> list[Shape]:
        """Return the shapes of all answers that contribute to objects at ``path``."""
        brought, added = self._contributions(path, self._pending)
        return [*brought, *added]

    def _contributions(self, path: Path, pending: Awaited) -> tuple[list[Shape], list[Shape]]:
        """Return the shapes of answers that bring objects to ``path``, and of those about them."""
        keys, condition = segments(path, self._types)
        brought: list[Shape] = []
        added = [each.shape for each in arrived(pending, None)]
        for number, each in enumerate(keys, start=1):
            brought = [
                slot.shape
                for shape in (*brought, *added)
                if (slot := shape.slots.get(each.key)) is not None and slot.shape is not None
            ]
            pending = advance(pending, each.key, each.types)
            types = condition if number == len(keys) else None
            added = [one.shape for one in arrived(pending, types)]
        return brought, added

    def _from_items(self, start: CallStep, suffixes: dict[int, tuple[Segment, ...]]) -> None:
        pending = self._pending_at(start.call.paths[0])
        variable = self._sending.name("e")
        self.code.add(1, f"for {variable} in items[{start.index}]:")
        trie = self._trie({position: (path, None) for position, path in suffixes.items()})
        below = Awaited(each for each in pending if each.path)
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
        pending: Awaited,
        static: str | None,
        indent: int,
        loops: int,
        *,
        tainted: bool,
    ) -> None:
        wrote = len(self.code.lines)
        for (condition, key), (segment, under) in node.below.items():
            inner = self._filter(sources, condition, static, indent)
            if inner is not None:
                self._descend(under, segment, key, sources, pending, inner, loops, tainted=tainted)
        for condition, position in node.ends:
            inner = self._filter(sources, condition, static, indent)
            if inner is not None:
                below = frozenset(pending.by_key)
                known = self._call.statics[position] or static
                self._sending.target(sources, known, inner, tainted, below)
        if len(self.code.lines) == wrote:
            self.code.add(indent, "pass")

    def _descend(
        self,
        node: _Node,
        segment: Segment,
        key: str,
        sources: list[Source],
        pending: Awaited,
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
        value = self._sending.name("v")
        if len(slots) == 1:
            source, slot = slots[0]
            self.code.add(indent, f"{value} = {self.code.read(source, key)}")
            shape = slot.shape
        else:
            tainted = True
            shape = unite(slot.shape for _, slot in slots if slot.shape is not None)
            self._join(value, key, [source for source, _ in slots], shape, indent)
        assert shape is not None
        lists = slots[0][1].lists if slots[0][1].lists is not None else segment.lists
        loops += lists
        if loops > MAX_LOOPS:
            raise Unsuitable
        self.code.add(indent, f"if {value} is not None:")
        indent += 1
        for _ in range(lists):
            item = self._sending.name("o")
            if not self.code.typed:
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
        if self.code.typed:
            raise Unsuitable  # only dictionaries can be joined
        name = self.code.constant("SHAPE", shape)
        self.code.add(indent, f"{value} = {sources[0].variable}.get({key!r})")
        for source in sources[1:]:
            other = f"{source.variable}.get({key!r})"
            self.code.add(indent, f"{value} = overlaps.join({value}, {other}, {name})")

    def _overlay(self, each: Pending, value: str, indent: int, *, tainted: bool) -> Source:
        variable = self._sending.name("i")
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
        runtime = self._sending.runtime(sources, indent)
        if runtime is None:
            return indent
        name = self.code.constant("TYPES", condition)
        self.code.add(indent, f"if {runtime} is None or {runtime} in {name}:")
        return indent + 1
