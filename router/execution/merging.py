"""All answers of a run -> one tree, by rules that do not depend on who answered first.

The tree is built in plan order from copies, so answers stay as they came: a value that is there
is never overwritten (null is not there), objects merge key by key, lists of equal length item by
item. Each call remembers at which client paths its representations were found, which is what
error mapping needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct, field

from router.errors import SubgraphError
from router.execution.client import Outcome
from router.execution.representations import ClientPath, Found, pick, represent, walk
from router.execution.shapes import Shape
from router.execution.steps import CallStep, FetchStep
from router.execution.types import Types
from router.planning.plan import Rename

__all__ = [
    "Merged",
    "Problem",
    "Reply",
    "Wanted",
    "gather",
    "merge_all",
    "rename",
    "representation",
]


class Reply(Struct):
    """The outcome of one request of a fetch.

    ``sent`` gives, per call index, the keys of the representations that were sent, in order.
    """

    step: FetchStep
    outcome: Outcome
    sent: Mapping[int, Sequence[bytes]] = field(default_factory=dict)


class Wanted(Struct):
    """A distinct representation: what is sent, and the context arguments it travels with."""

    key: bytes
    sent: dict[str, Any]
    context: dict[str, Any]


class Problem(Struct, frozen=True):
    """Something wrong with an answer that its errors do not tell."""

    step: FetchStep
    message: str
    path: ClientPath


class Merged(Struct):
    """The tree; ``places`` gives the client paths per call and representation key."""

    tree: dict[str, Any] = field(default_factory=dict)
    places: dict[int, dict[bytes, list[ClientPath]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def merge_all(replies: Iterable[Reply], types: Types, variables: Mapping[str, Any]) -> Merged:
    """Merge the replies, given in plan order, into a fresh tree."""
    merged = Merged()
    for reply in replies:
        if reply.step.calls:
            _merge_entities(merged, reply, types, variables)
        else:
            _merge_root(merged, reply, types)
    return merged


def gather(
    tree: dict[str, Any], call: CallStep, types: Types, variables: Mapping[str, Any]
) -> dict[bytes, Wanted]:
    """Return the distinct representations of a call, in order of first occurrence."""
    wanted: dict[bytes, Wanted] = {}
    for position, path in enumerate(call.call.paths):
        for found in walk(tree, path, types):
            one = representation(found, call, position, types, variables)
            if one is not None:
                wanted.setdefault(one.key, one)
    return wanted


def representation(
    found: Found, call: CallStep, position: int, types: Types, variables: Mapping[str, Any]
) -> Wanted | None:
    """Return what is sent for an object found at the call's path number ``position``."""
    sent = represent(found.value, call.call.inputs, call.statics[position], types, variables)
    if sent is None:
        return None
    context = {}
    for argument in call.call.context:
        source = found.above[-argument.depth] if argument.depth <= len(found.above) else None
        value = pick(source, argument.selections, types, variables) if source else None
        context[argument.variable] = value
    return Wanted(orjson.dumps([sent, context] if context else sent), sent, context)


def rename(value: Any, renames: Sequence[Rename], types: Types) -> Any:
    """Return a copy of an answer in which internal aliases have become names."""
    copied = _copy(value)
    for each in renames:
        for found in walk(copied, each.path, types):
            if each.alias in found.value:
                found.value[each.name] = found.value.pop(each.alias)
    return copied


def _merge_root(merged: Merged, reply: Reply, types: Types) -> None:
    if isinstance(reply.outcome, SubgraphError) or reply.outcome.data is None:
        return
    data = reply.outcome.data
    if not isinstance(data, dict):
        merged.problems.append(Problem(reply.step, "The subgraph's data is not an object.", ()))
        return
    shape = reply.step.shapes.root
    for found in list(walk(merged.tree, reply.step.fetch.at, types)):
        _Merge(merged, reply.step, types).objects(found.value, data, shape, found.path)


def _merge_entities(
    merged: Merged, reply: Reply, types: Types, variables: Mapping[str, Any]
) -> None:
    for call in reply.step.calls:
        keys = reply.sent.get(call.index, ())
        items = _items(merged, reply, call, len(keys))
        by_key = dict(zip(keys, items, strict=True)) if items else {}
        places = merged.places.setdefault(call.index, {})
        targets: list[tuple[Found, Any]] = []
        sent = frozenset(keys)
        for position, path in enumerate(call.call.paths):
            for found in walk(merged.tree, path, types):
                one = representation(found, call, position, types, variables)
                if one is None or one.key not in sent:
                    continue
                known = places.setdefault(one.key, [])
                if found.path not in known:
                    known.append(found.path)
                    targets.append((found, by_key.get(one.key)))
        shape = reply.step.shapes.calls[call.call.alias]
        merging = _Merge(merged, reply.step, types)
        for found, item in targets:
            if isinstance(item, dict):
                merging.objects(found.value, item, shape, found.path)


def _items(merged: Merged, reply: Reply, call: CallStep, expected: int) -> list[Any]:
    if isinstance(reply.outcome, SubgraphError) or not expected:
        return []
    data = reply.outcome.data
    if data is not None and not isinstance(data, dict):
        merged.problems.append(
            Problem(reply.step, "The subgraph's data is not an object.", call.prefix)
        )
        return []
    items = data.get(call.call.alias) if data else None
    if items is None:
        return []
    if not isinstance(items, list) or len(items) != expected:
        message = "The subgraph returned an unexpected number of entities."
        merged.problems.append(Problem(reply.step, message, call.prefix))
        return []
    if not all(item is None or isinstance(item, dict) for item in items):
        message = "The subgraph returned an entity that is not an object."
        merged.problems.append(Problem(reply.step, message, call.prefix))
    return items


class _Merge:
    """Deep merge into the tree: what is there stays."""

    def __init__(self, merged: Merged, step: FetchStep, types: Types) -> None:
        self._merged = merged
        self._step = step
        self._types = types

    def objects(
        self, target: dict[str, Any], source: dict[str, Any], shape: Shape, path: ClientPath
    ) -> None:
        for key, value in source.items():
            known = target.get(key)
            if known is None:
                if value is not None or key not in target:
                    target[key] = _copy(value)
            elif key == "__typename":
                self._typename(target, known, value)
            else:
                slot = shape.slots.get(key)
                if slot is not None and slot.shape is not None:
                    target[key] = self._values(known, value, slot.shape, (*path, key))

    def _typename(self, target: dict[str, Any], known: Any, value: Any) -> None:
        # an interface object's name gives way to the concrete type
        if isinstance(value, str) and not (isinstance(known, str) and self._types.is_object(known)):
            target["__typename"] = value

    def _values(self, known: Any, value: Any, shape: Shape, path: ClientPath) -> Any:
        if known is None:
            return _copy(value)
        if isinstance(known, dict) and isinstance(value, dict):
            self.objects(known, value, shape, path)
        elif isinstance(known, list) and isinstance(value, list):
            if len(known) != len(value):
                message = "Subgraphs disagree about the length of a list."
                self._merged.problems.append(Problem(self._step, message, path))
                return known
            return [
                self._values(one, two, shape, (*path, index))
                for index, (one, two) in enumerate(zip(known, value, strict=True))
            ]
        return known


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
