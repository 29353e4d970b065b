"""A plan made ready to run: its fetches with their dependents, shapes and constant parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from msgspec import Struct

from router.execution.client import opening_of
from router.execution.representations import ClientPath
from router.execution.shapes import Shape, Shapes, Slot, read_shapes
from router.execution.types import Types
from router.planning.plan import EACH, EntityCall, Fetch, Input, OnTypes, Path, Plan, keys_of

__all__ = ["CallStep", "FetchStep", "build_steps"]


class CallStep(Struct, eq=False):
    """An ``_entities`` call: ``index`` counts calls over the whole plan.

    ``statics`` gives, per path, the object type that stands there where it is known without
    ``__typename``; ``prefix`` is the part of the path that is the same for all its objects.
    """

    index: int
    fetch: int
    call: EntityCall
    shape: Shape
    statics: tuple[str | None, ...]
    prefix: ClientPath


class FetchStep(Struct, eq=False):
    """A fetch: ``index`` is its place in the plan, ``dependents`` are the indexes it releases.

    ``ancestors`` are the indexes of all that is in when it starts, ``ancestry`` the same sorted.
    ``opening`` is the constant part of its requests, ``renamed`` whether keys of its answers are
    not the client's.
    """

    index: int
    fetch: Fetch
    shapes: Shapes
    calls: tuple[CallStep, ...]
    waits_for: int
    dependents: tuple[int, ...]
    ancestors: frozenset[int]
    ancestry: tuple[int, ...]
    variables: tuple[str, ...]
    prefix: ClientPath
    opening: bytes
    renamed: bool


def build_steps(plan: Plan, types: Types) -> tuple[FetchStep, ...]:
    """Read the plan's fetches, which are in topological order."""
    places = {fetch.id: index for index, fetch in enumerate(plan.fetches)}
    dependents: list[list[int]] = [[] for _ in plan.fetches]
    ancestors: list[frozenset[int]] = []
    for index, fetch in enumerate(plan.fetches):
        parents = [places[parent] for parent in fetch.after]
        for parent in parents:
            dependents[parent].append(index)
        ancestors.append(frozenset(parents).union(*(ancestors[parent] for parent in parents)))
    steps: list[FetchStep] = []
    bringing: list[_Bringing] = []
    calls = 0
    for index, fetch in enumerate(plan.fetches):
        shapes = read_shapes(fetch, types.schema)
        own = []
        before = [bringing[earlier] for earlier in sorted(ancestors[index])]
        for call in fetch.entities:
            statics = tuple(_static(before, path, fetch, call, types) for path in call.paths)
            prefix = _prefix(call.paths[0]) if call.paths else ()
            own.append(CallStep(calls, index, call, shapes.calls[call.alias], statics, prefix))
            calls += 1
        step = FetchStep(
            index=index,
            fetch=fetch,
            shapes=shapes,
            calls=tuple(own),
            waits_for=len(set(fetch.after)),
            dependents=tuple(dict.fromkeys(dependents[index])),
            ancestors=ancestors[index],
            ancestry=tuple(sorted(ancestors[index])),
            variables=tuple(use.name for use in fetch.variables),
            prefix=own[0].prefix if own else _prefix(fetch.at),
            opening=opening_of(fetch.operation, fetch.operation_name),
            renamed=bool(fetch.renames) or any(call.renames for call in fetch.entities),
        )
        steps.append(step)
        bringing.append(_bringing(step))
    return tuple(steps)


class _Bringing(Struct, eq=False):
    """What the answer to a fetch brings, by the keys that lead to it; ``call``: where objects are sent."""

    fetch: Fetch
    starts: dict[tuple[str, ...], list[tuple[Shape, EntityCall | None]]]


def _bringing(step: FetchStep) -> _Bringing:
    starts: dict[tuple[str, ...], list[tuple[Shape, EntityCall | None]]] = {}
    for each in step.calls:
        for path in each.call.paths:
            starts.setdefault(keys_of(path), []).append((each.shape, each.call))
    if not step.calls:
        starts[keys_of(step.fetch.at)] = [(step.shapes.root, None)]
    return _Bringing(step.fetch, starts)


def _prefix(path: Path) -> ClientPath:
    known: list[str | int] = []
    for item in path:
        if item == EACH:
            break
        if not isinstance(item, OnTypes):
            known.append(item)
    return tuple(known)


def _static(
    before: Sequence[_Bringing], path: Path, fetch: Fetch, call: EntityCall, types: Types
) -> str | None:
    """Return the type at ``path`` where it is known without asking for it.

    All that bring the objects agree on one, or nobody asks: then the only input's type is certain.
    So is the name that the plan gives where conditions may keep from asking whoever asks.
    """
    if path and isinstance(path[-1], OnTypes) and len(path[-1].types) == 1:
        name = path[-1].types[0]
        if types.is_object(name):
            return name
    brought = list(_brought(before, path))
    statics = {slot.static for slot in brought if isinstance(slot, Slot)}
    if len(statics) == 1 and None not in statics:
        return statics.pop()
    if len(call.inputs) != 1:
        return None
    (only,) = call.inputs
    if not any(_told_types(brought)):
        return only.on if types.is_object(only.on) else only.typename
    surely = [each for each in before if _comes(each.fetch, fetch, only)]
    told = _brought(surely, path, (fetch, only))
    return None if any(each.sure for each in _told_types(told)) else only.typename


def _told_types(brought: Iterable[Slot | Shape]) -> Iterator[Slot]:
    for each in brought:
        shape = each.shape if isinstance(each, Slot) else each
        if shape is not None and "__typename" in shape.slots:
            yield shape.slots["__typename"]


def _comes(part: Fetch | Input, *others: Fetch | Input) -> bool:
    """Return whether a part of the plan is wanted wherever all the others are."""
    when = {each for other in others for each in other.when}
    return when.issuperset(part.when) and part.any_of in ((), *(other.any_of for other in others))


def _brought(
    before: Sequence[_Bringing], path: Path, where: tuple[Fetch | Input, ...] | None = None
) -> Iterator[Slot | Shape]:
    """Yield what brings something at ``path``: slots of answers, shapes of entities there.

    ``where``: parts of the plan; only what comes wherever these do.
    """
    keys = keys_of(path)
    for each, length in product(before, range(len(keys) + 1)):
        for shape, call in each.starts.get(keys[:length], ()):
            if call and where and not any(_comes(sent, *where) for sent in call.inputs):
                continue
            found = _descend(shape, keys[length:]) if length < len(keys) else shape
            if found is not None:
                yield found


def _descend(shape: Shape, keys: Sequence[str]) -> Slot | None:
    for key in keys[:-1]:
        slot = shape.slots.get(key)
        if slot is None or slot.shape is None:
            return None
        shape = slot.shape
    return shape.slots.get(keys[-1])
