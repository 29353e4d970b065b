"""A generated function that writes the client's response straight from the answers.

One function per place and type; fields stand in the client's order, values are checked against
the schema as they pass, and entities are read from the items of the calls that brought them::

    def made():
        def project(run, intro):
            ov0 = run.overlays[0]; it0 = run.items[0]; d0 = run.data[0]
            def p2(o):
                i0 = ov0.get(id(o), -1); e0 = it0[i0]
                v1 = o["upc"]
                v2 = e0["name"]
                return {"upc": v1 if v1.__class__ is str else repair_0(v1), "name": ...}
            v1 = d0["products"]
            return {"products": None if v1 is None else [p2(x) for x in v1]}
        return project

Where an object is a function of its representation and many objects share few representations,
it is written once and its bytes are repeated; where it is one of its own values too, those are
compared with the first object's, which is quicker than to write it. Anything out of order raises, and the plain form
(:mod:`router.execution.completion`) says what and where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)
from msgspec import Struct

from router.execution.fields import ClientField, FieldKind, Spot, View
from router.execution.generating import (
    Awaited,
    Code,
    Pending,
    Source,
    Unsuitable,
    advance,
    arrived,
    pending_of,
)
from router.execution.leaves import INVALID, checker
from router.execution.overlap import Mismatch
from router.execution.shapes import Shape, unite
from router.execution.state import State
from router.execution.steps import FetchStep
from router.execution.typed import readers_of
from router.execution.types import Types
from router.planning.plan import InputField

__all__ = ["Projector", "generate_projection"]

Projector: TypeAlias = Callable[[State, Mapping[int, Any]], dict[str, Any]]

MAX_FUNCTIONS: Final = 2_000
"""Larger operations are completed by the plain form; compiling them would cost too much."""
REPEATED: Final = 3
"""Entities are written once where objects are at least so many times as many as entities."""

_TESTS: Final = {
    "String": "{x}.__class__ is str",
    "ID": "{x}.__class__ is str",
    "Int": "{x}.__class__ is int and -2147483648 <= {x} <= 2147483647",
    "Float": "({x}.__class__ is float and -INF < {x} < INF) or {x}.__class__ is int",
    "Boolean": "{x} is True or {x} is False",
}
_READ: Final = frozenset({"String", "Int", "Boolean"})
"""Scalars that a typed object holds as a client may see them."""


class _Function(Struct, frozen=True):
    """A generated function; a pure one needs nothing of the run and is made once.

    ``known`` is the expression, of ``{x}``, for what was already made of an object.
    """

    name: str
    pure: bool
    known: str | None = None


def generate_projection(
    view: View,
    steps: Sequence[FetchStep],
    full_types: Types,
    followers: Mapping[int, int] = MappingProxyType({}),
    *,
    typed: bool = False,
) -> tuple[Projector, str] | None:
    """Return the function and its text, or None where only the plain form will do.

    ``typed``: it reads typed objects, whose values are of the kind that the schema names.
    """
    if any(call.call.context for step in steps for call in step.calls):
        return None
    writer = _Writer(view, steps, full_types, followers, typed=typed)
    names = {
        "Mismatch": Mismatch,
        "INF": float("inf"),
        "dumps": orjson.dumps,
        "Fragment": orjson.Fragment,
        "wrong": _wrong,
    }
    try:
        writer.write()
        made = writer.code.load("projection", "made", names)
    except Unsuitable:
        return None
    projector: Projector = made()
    return projector, writer.code.text


class _Writer:
    def __init__(
        self,
        view: View,
        steps: Sequence[FetchStep],
        full_types: Types,
        followers: Mapping[int, int],
        *,
        typed: bool,
    ) -> None:
        self.code = Code(typed=typed)
        self._followers = followers
        self._readers = readers_of(full_types.schema) if typed else None
        self._view = view
        self._types = view.types
        self._pending = pending_of(steps, full_types)
        self._calls = {call.index: call for step in steps for call in step.calls}
        self._done: dict[tuple[Any, ...], _Function] = {}
        self._by_text: dict[str, _Function] = {}
        self._once_by_text: dict[str, _Function] = {}
        self._repairs: dict[str, str] = {}
        self._pure: list[str] = []
        self._inner: list[str] = []
        self._prelude: dict[str, str] = {}
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._names = 0

    def write(self) -> None:
        """Write the whole module."""
        here = [each for each in self._pending.here if each.call is None]
        sources = [self._root_source(each) for each in here]
        body = _Body(self, sources, self._pending, tainted=False)
        body.fields(self._view.root, self._view.root_type)
        add = self.code.add
        add(0, "def made():")
        for line in self._pure:
            add(1, line)
        add(1, "def project(run, intro):")
        for line in (*self._prelude.values(), *self._inner, *body.lines):
            add(2, line)
        add(2, f"return {body.display()}")
        add(1, "return project")

    def composite(
        self, spot: Spot, name: str, shape: Shape, pending: Awaited, *, tainted: bool
    ) -> _Function:
        """Return the function for objects of a type, abstract or not, at a place."""
        key = (id(spot), name, id(shape), pending, tainted)
        known = self._done.get(key)
        if known is None:
            if len(self._done) >= MAX_FUNCTIONS:
                raise Unsuitable
            kind = self._types.schema.type_map[name]
            make = self._object if isinstance(kind, GraphQLObjectType) else self._abstract
            known = self._done[key] = make(spot, name, shape, pending, tainted)
        return known

    def source(self, each: Pending, body: _Body, *, tainted: bool) -> Source:
        """Write how an object finds what a call or root fetch brought for it."""
        if each.call is None:
            body.pure = False
            return self._root_source(each)
        call = each.call
        self._prelude[f"ov{call}"] = (
            f"ov{call} = run.overlays[{call}]; it{call} = run.items[{call}]"
        )
        if tainted:
            self._prelude["find"] = "find = run.overlaps.find"
            body.lines.append(f"i{call} = find(ov{call}, o); e{call} = it{call}[i{call}]")
        else:
            body.lines.append(f"i{call} = ov{call}.get(id(o), -1); e{call} = it{call}[i{call}]")
        body.pure = False
        return Source(f"e{call}", each.shape)

    def united(self, shapes: Sequence[Shape]) -> Shape:
        """Return the union of shapes, the same object for the same shapes."""
        key = tuple(map(id, shapes))
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = unite(shapes)
        return found

    def join(self) -> str:
        """Return the name of the function that joins overlapping objects."""
        if self.code.typed:
            raise Unsuitable  # only dictionaries can be joined
        self._prelude["join"] = "join = run.overlaps.join"
        return "join"

    def repair(self, of: Any) -> str:
        """Return the name of what is done with unexpected values of a leaf type."""
        name = self._repairs.get(of.name)
        if name is None:
            name = self.code.constant("repair_", _Repair(of.name, checker(of)))
            self._repairs[of.name] = name
        return name

    def name(self, prefix: str) -> str:
        """Return a fresh name."""
        self._names += 1
        return f"{prefix}{self._names}"

    def inputs_of(self, call: int, runtime: str) -> frozenset[str] | None:
        """Return the leaf keys that make up a representation, None where it is not so simple."""
        found: set[str] = set()
        for each in self._calls[call].call.inputs:
            if not self._types.fits(runtime, each.on):
                continue
            if each.when or each.any_of:
                return None
            for one in each.selections:
                if not isinstance(one, InputField) or one.when or one.any_of:
                    return None
                if not one.selections:
                    found.add(one.key)
        return frozenset(found)

    def _root_source(self, each: Pending) -> Source:
        self._prelude[f"d{each.fetch}"] = f"d{each.fetch} = run.data[{each.fetch}]"
        return Source(f"d{each.fetch}", each.shape)

    def _object(
        self, spot: Spot, name: str, shape: Shape, pending: Awaited, tainted: bool
    ) -> _Function:
        body = _Body(self, [Source("o", shape)], pending, tainted=tainted)
        here = arrived(pending, frozenset((name,)))
        body.sources += [self.source(each, body, tainted=tainted) for each in here]
        start = len(body.lines)
        body.fields(spot, name)
        if not body.reads_base:
            missing = "o is None" if self.code.typed else "o.__class__ is not dict"
            body.lines.insert(start, f"if {missing}: raise Mismatch")
        calls = [each.call for each in here if each.call is not None]
        if calls and len(calls) == len(here) and not tainted:
            if body.is_function_of(calls, name):
                return self._once(body, calls, start)
            if self._readers is not None and self._readers.compares(shape):
                return self._once(body, calls, start, compared=True)
        return self._emit("p", [*body.lines, f"return {body.display()}"], pure=body.pure)

    def _once(
        self, body: _Body, calls: Sequence[int], start: int, *, compared: bool = False
    ) -> _Function:
        """Write an object once per representation where that pays.

        ``compared``: where it is equal, too, to the first object with that representation. What
        later calls brought for equal objects, and for all in them, is the same.
        """
        text = "\n".join([*body.lines, body.display()])
        same = self._once_by_text.get(text)
        if same is not None:
            return same
        # which representation of a follower stands for an object, its leader's decides
        leaders = [call for call in calls if self._followers.get(call) not in calls]
        first = leaders[0]
        memo, pays = self.name("m"), self.name("w")
        self._inner.append(f"{pays} = len(ov{first}) >= {REPEATED} * len(it{first})")
        known = None
        if len(leaders) == 1:
            made, key, look = f"[None] * len(it{first})", f"i{first}", f"{memo}[i{first}]"
            if not compared:
                known = f"{memo}[ov{first}.get(id({{x}}), -1)]"
        else:
            key = f"i{first}"
            for call in leaders[1:]:
                key = f"({key} << 32 | i{call})"
            made, look = "{}", f"{memo}.get(k)"
        self._inner.append(f"{memo} = {made}")
        lookups = dict(zip(calls, body.lines[:start], strict=True))
        lines = [*(lookups.pop(call) for call in leaders), f"k = {key}"]
        shared = f"if {pays} and k >= 0"
        if compared:
            again = "    if m is not None and m[0] == o: return m[1]"
            lines += [f"{shared}:", f"    m = {look}", again]
        elif known is None:
            lines += [f"{shared}:", f"    r = {look}", "    if r is not None: return r"]
        lines += [*lookups.values(), *body.lines[start:], f"r = {body.display()}"]
        if compared:
            keep = f"    {memo}[k] = o, r"
            lines += [f"{shared} and m is None:", "    r = Fragment(dumps(r))", keep]
        else:
            lines += [f"{shared}:", f"    r = {memo}[k] = Fragment(dumps(r))"]
        lines.append("return r")
        function = self._emit("p", lines, pure=False, known=known)
        self._once_by_text[text] = function
        return function

    def _abstract(
        self, spot: Spot, name: str, shape: Shape, pending: Awaited, tainted: bool
    ) -> _Function:
        possible = sorted(self._types.possible(name))
        functions = {
            each: self.composite(spot, each, shape, pending, tainted=tainted) for each in possible
        }
        pure = all(each.pure for each in functions.values())
        table = self.name("T")
        entries = ", ".join(f"{each!r}: {of.name}" for each, of in functions.items())
        (self._pure if pure else self._inner).append(f"{table} = {{{entries}}}")
        body = _Body(self, [], pending, tainted=tainted)
        body.pure = pure
        reads = []
        if "__typename" in shape.slots:
            reads.append(self.code.read(Source("o", shape), "__typename"))
        for each in arrived(pending, None):
            if "__typename" in each.shape.slots:
                source = self.source(each, body, tainted=tainted)
                reads.append(self.code.read(source, "__typename"))
        lines = [*body.lines]
        for number, read in enumerate(reads):
            lines.append(f"{'if f is None: ' if number else ''}f = {table}.get({read})")
        if not reads:
            lines.append("f = None")
        lines += ["if f is None: raise Mismatch", "return f(o)"]
        return self._emit("a", lines, pure=body.pure)

    def _emit(
        self, prefix: str, lines: Sequence[str], *, pure: bool, known: str | None = None
    ) -> _Function:
        text = "\n".join(lines)
        same = self._by_text.get(text)
        if same is not None:
            return same
        function = _Function(self.name(prefix), pure, known)
        self._by_text[text] = function
        out = self._pure if pure else self._inner
        out.append(f"def {function.name}(o):")
        out.extend(f"    {line}" for line in lines)
        return function


class _Body:
    """The statements of one function and the pairs of the object it returns."""

    def __init__(
        self, writer: _Writer, sources: list[Source], pending: Awaited, *, tainted: bool
    ) -> None:
        self.lines: list[str] = []
        self.pure = True
        self.reads_base = False
        self.sources = sources
        self._writer = writer
        self._pending = pending
        self._tainted = tainted
        self._pairs: list[tuple[str, str]] = []
        self._base_leaves: set[str] = set()
        self._base_objects = False
        self._names = 0

    def fields(self, spot: Spot, runtime: str) -> None:
        """Write all fields of an object of type ``runtime``."""
        for field in spot.fields(runtime):
            match field.kind:
                case FieldKind.TYPENAME:
                    value = repr(runtime)
                case FieldKind.INTROSPECTION:
                    self.pure = False
                    value = f"intro[{id(field.nodes[0])}]"
                case FieldKind.DATA:
                    value = self._field(field, runtime)
            self._pairs.append((field.key, value))

    def display(self) -> str:
        """Return the object as an expression."""
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in self._pairs) + "}"

    def is_function_of(self, calls: Sequence[int], runtime: str) -> bool:
        """Return whether nothing but the representations of ``calls`` decides the object."""
        if self._base_objects:
            return False
        known: set[str] = set()
        for call in calls:
            keys = self._writer.inputs_of(call, runtime)
            if keys is None:
                return False
            known |= keys
        return self._base_leaves <= known

    def _name(self, prefix: str) -> str:
        """Return a name that is fresh in this function, so that equal functions have equal texts."""
        self._names += 1
        return f"{prefix}{self._names}"

    def _field(self, field: ClientField, runtime: str) -> str:
        kind: Any = field.type
        known = [source for source in self.sources if field.key in source.shape.slots]
        if any(source.variable == "o" for source in known):
            self.reads_base = True
            if field.spot is None:
                self._base_leaves.add(field.key)
            else:
                self._base_objects = True
        if field.spot is not None:
            known = [s for s in known if s.shape.slots[field.key].shape is not None]
        if not known:
            if isinstance(kind, GraphQLNonNull):
                return "wrong()"
            return "None"
        variable = self._name("v")
        code = self._writer.code
        read = self._is_read(kind, known, field.key)
        self.lines.append(f"{variable} = {code.read(known[0], field.key)}")
        if field.spot is None:
            for other in known[1:]:
                more = f"{variable} = {code.read(other, field.key)}"
                self.lines.append(f"if {variable} is None: {more}")
            return self._value(kind, variable, None, read=read)
        shapes = [shape for s in known if (shape := s.shape.slots[field.key].shape) is not None]
        tainted = self._tainted
        shape = shapes[0]
        if len(known) > 1:
            tainted = True
            shape = self._writer.united(shapes)
            name = code.constant("SHAPE", shape)
            join = self._writer.join()
            self.pure = False
            for other in known[1:]:
                more = f"{other.variable}.get({field.key!r})"
                self.lines.append(f"{variable} = {join}({variable}, {more}, {name})")
        below = advance(self._pending, field.key, frozenset((runtime,)))
        named = get_named_type(kind).name
        function = self._writer.composite(field.spot, named, shape, below, tainted=tainted)
        self.pure = self.pure and function.pure
        return self._value(kind, variable, function, read=read)

    def _value(self, kind: Any, x: str, function: _Function | None, *, read: bool) -> str:
        """Return the expression for a value of type ``kind`` in variable ``x``.

        ``read``: typed objects hold it, so that its lists and built-in scalars need no test.
        """
        required = isinstance(kind, GraphQLNonNull)
        of = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(of, GraphQLList):
            item = self._name("x")
            inner = self._value(of.of_type, item, function, read=read)
            listed = f"[{inner} for {item} in {x}]"
            if not read:
                listed = f"{listed} if {x}.__class__ is list else wrong()"
            return f"({listed})" if required else f"(None if {x} is None else {listed})"
        if function is not None:
            call = f"{function.name}({x})"
            if function.known is not None:
                call = f"({function.known.format(x=x)} or {call})"
            return call if required else f"(None if {x} is None else {call})"
        if read and of.name in _READ:
            return f"({x} if {x} is not None else wrong())" if required else x
        return self._leaf(of, x, required=required)

    def _leaf(self, of: Any, x: str, *, required: bool) -> str:
        code = self._writer.code
        if isinstance(of, GraphQLEnumType):
            allowed = code.constant("ENUM", frozenset(of.values))
            test = f"{x}.__class__ is str and {x} in {allowed}"
        elif of.name in _TESTS:
            test = _TESTS[of.name].format(x=x)
        else:
            test = f"{x}.__class__ is not dict and {x}.__class__ is not list"
            if required:
                test = f"{x} is not None and {test}"
        repair = self._writer.repair(of)
        if not required:
            test = f"({test}) or {x} is None"
        return f"({x} if {test} else {repair}({x}))"

    def _is_read(self, kind: Any, known: Sequence[Source], key: str) -> bool:
        """Whether typed objects hold the values of ``key`` as the client's type wants them."""
        if not self._writer.code.typed:
            return False
        name, lists = get_named_type(kind).name, str(kind).count("[")
        slots = [source.shape.slots[key] for source in known]
        return all(slot.named == name and slot.lists == lists for slot in slots)


class _Repair(Struct, frozen=True, eq=False):
    """What is done with a leaf value of an unexpected kind: convert it or give up."""

    name: str
    check: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        if value is None:
            raise Mismatch
        repaired = self.check(value)
        if repaired is INVALID:
            raise Mismatch
        return repaired


def _wrong() -> Any:
    raise Mismatch
