"""``@defer``: an answer in parts, each sent when the fetches it needs are in.

The first part is the operation without its deferred fragments. Every deferred block becomes one
increment per object at its path, as soon as its fetches are in and its parent has been sent.
The format is that of the current specification (``pending``, ``incremental``, ``completed``),
or of 2022-08-24 for older clients (``path`` and ``label`` in each increment).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from graphql import GraphQLNamedType, OperationDefinitionNode, SelectionSetNode, parse
from graphql import get_named_type as named_type
from msgspec import Struct, field

from router.execution.answer import Increment
from router.execution.client import NO_HEADERS, SubgraphClient
from router.execution.compiled import CompiledOperation
from router.execution.completion import Completion
from router.execution.failures import Failures
from router.execution.fields import View
from router.execution.merging import Merged, merge_all
from router.execution.representations import ClientPath, holds, walk
from router.execution.run import HeadersFor, Run
from router.planning.plan import EACH, Deferred, OnTypes

__all__ = ["execute_incrementally"]


class _Block(Struct):
    """A deferred block of this request; ``ids`` gives the announced id of each of its places."""

    plan: Deferred
    needs: frozenset[int]
    selection: SelectionSetNode
    kind: GraphQLNamedType | None
    ids: dict[ClientPath, str] = field(default_factory=dict)
    announced: bool = False


async def execute_incrementally(
    op: CompiledOperation,
    variables: Mapping[str, Any],
    clients: Mapping[str, SubgraphClient],
    *,
    headers: HeadersFor = NO_HEADERS,
    legacy: bool = False,
) -> AsyncIterator[Increment]:
    """Yield the initial answer and then the deferred parts as they become ready.

    ``legacy`` writes the format of 2022-08-24 instead of that of the current specification.
    Closing the iterator ends all requests.
    """
    changed = asyncio.Event()
    run = Run(op.program, variables, clients, lambda _: changed.set(), headers)
    if not op.defers(variables):
        async for increment in _whole(op, run, changed):
            yield increment
        return
    delivery = _Delivery(op, run, variables, legacy=legacy)
    finished: set[int] = set()

    def watch(index: int) -> None:
        finished.add(index)
        changed.set()

    run.watch = watch
    try:
        run.start()
        while not delivery.initial <= finished:
            await changed.wait()
            changed.clear()
        yield delivery.first()
        while delivery.waiting:
            part = delivery.next(finished)
            if part is not None:
                yield part
            elif delivery.waiting:
                await changed.wait()
                changed.clear()
    finally:
        run.cancel()


async def _whole(
    op: CompiledOperation, run: Run, changed: asyncio.Event
) -> AsyncIterator[Increment]:
    try:
        run.start()
        await changed.wait()
        answer = op.answer(run)
        yield Increment(answer.body, False, answer.errors)
    finally:
        run.cancel()


class _Delivery:
    """What has been sent of one response, and what is waiting."""

    def __init__(
        self, op: CompiledOperation, run: Run, variables: Mapping[str, Any], *, legacy: bool
    ) -> None:
        self._op = op
        self._run = run
        self._variables = variables
        self._legacy = legacy
        self._view = op.prepared(variables, deferring=True).view
        self._prepared = op.prepared(variables, deferring=True)
        self._count = 0
        self.waiting = _blocks(op, variables)
        self._labels = {block.plan.label for block in self.waiting}
        self._above = {each.label: each.parent for each in op.plan.deferred}
        later = frozenset().union(*(block.needs for block in self.waiting))
        self.initial = frozenset(range(len(op.program.steps))) - later

    def first(self) -> Increment:
        """Write the initial part and announce the outermost blocks."""
        replies = self._run.replies()
        merged = merge_all(replies, self._op.full_types, self._variables)
        failures = Failures(self._view.root)
        failures.report([r for r in replies if r.step.index in self.initial], merged)
        intro = self._op.introspected(self._prepared, self._variables)
        data = Completion(self._view, self._op.full_types, failures, intro).root(merged.tree)
        payload: dict[str, Any] = {"data": data}
        if failures.errors:
            payload["errors"] = failures.errors
        self._announce(payload, merged, data, None)
        return self._payload(payload, failures.errors)

    def next(self, finished: set[int]) -> Increment | None:
        """Write the blocks that are ready, all in one part; None where none is."""
        ready = [block for block in self.waiting if block.announced and block.needs <= finished]
        if not ready:
            return None
        replies = self._run.replies()
        merged = merge_all(replies, self._op.full_types, self._variables)
        payload: dict[str, Any] = {"incremental": [], "completed": []}
        all_errors: list[dict[str, Any]] = []
        for block in ready:
            self.waiting.remove(block)
            failures = Failures(self._view.root)
            failures.report([r for r in replies if r.step.index in block.needs], merged)
            self._write_block(block, merged, failures, payload)
            all_errors.extend(failures.errors)
            self._announce(payload, merged, None, block)
        if self._legacy:
            del payload["completed"]
        return self._payload(payload, all_errors)

    def _write_block(
        self, block: _Block, merged: Merged, failures: Failures, payload: dict[str, Any]
    ) -> None:
        spot = self._view.spot((block.selection,))
        asked = block.kind and self._op.introspection(spot, block.kind.name)
        intro = asked.values(self._variables) if asked else {}
        completion = Completion(self._view, self._op.full_types, failures, intro)
        reported = list(failures.errors)
        for place, name in block.ids.items():
            own = [error for error in reported if _within(error, place)]
            before = len(failures.errors)
            value = _at(merged.tree, place)
            data = None
            if isinstance(value, dict) and block.kind is not None:
                data = completion.placed(block.kind, spot, value, place)
            own += failures.errors[before:]
            self._write_place(block, place, name, data, own, payload)
        stray = [e for e in reported if not any(_within(e, place) for place in block.ids)]
        if stray and payload["incremental"]:
            payload["incremental"][-1].setdefault("errors", []).extend(stray)

    def _write_place(
        self,
        block: _Block,
        place: ClientPath,
        name: str,
        data: Any,
        errors: list[dict[str, Any]],
        payload: dict[str, Any],
    ) -> None:
        if self._legacy:
            entry: dict[str, Any] = {"data": data, "path": list(place)}
            if block.plan.client_label is not None:
                entry["label"] = block.plan.client_label
        elif data is None:
            payload["completed"].append({"id": name, "errors": errors})
            return
        else:
            entry = {"id": name, "data": data}
            payload["completed"].append({"id": name})
        if errors:
            entry["errors"] = errors
        payload["incremental"].append(entry)

    def _announce(
        self, payload: dict[str, Any], merged: Merged, data: Any, parent: _Block | None
    ) -> None:
        pending: list[dict[str, Any]] = payload.setdefault("pending", [])
        for block in list(self.waiting):
            if block.announced or not self._is_child(block, parent):
                continue
            block.announced = True
            for found in walk(merged.tree, block.plan.path, self._op.full_types):
                if parent is None and not isinstance(_at(data, found.path), dict):
                    continue
                name = str(self._count)
                self._count += 1
                block.ids[found.path] = name
                entry: dict[str, Any] = {"id": name, "path": list(found.path)}
                if block.plan.client_label is not None:
                    entry["label"] = block.plan.client_label
                pending.append(entry)
            if not block.ids:
                self.waiting.remove(block)

    def _is_child(self, block: _Block, parent: _Block | None) -> bool:
        return self._parent(block) == (None if parent is None else parent.plan.label)

    def _parent(self, block: _Block) -> str | None:
        """Return the nearest block around it that is deferred too."""
        label = block.plan.parent
        while label is not None and label not in self._labels:
            label = self._above[label]
        return label

    def _payload(self, payload: dict[str, Any], errors: list[dict[str, Any]]) -> Increment:
        self._forget_unreachable()
        has_next = bool(self.waiting)
        for key in ("pending", "incremental", "completed"):
            if not payload.get(key) or (key == "pending" and self._legacy):
                payload.pop(key, None)
        payload["hasNext"] = has_next
        return Increment(orjson.dumps(payload), has_next, tuple(errors))

    def _forget_unreachable(self) -> None:
        """Drop the blocks that never will be announced: the block around them has no objects."""
        while True:
            labels = {block.plan.label for block in self.waiting}
            kept = [b for b in self.waiting if b.announced or self._parent(b) in labels]
            if len(kept) == len(self.waiting):
                return
            self.waiting = kept


def _blocks(op: CompiledOperation, variables: Mapping[str, Any]) -> list[_Block]:
    """Return what is deferred in this request.

    A block whose condition does not hold belongs to the block around it, and its fetches with it.
    """
    view = op.prepared(variables).view
    places = {step.fetch.id: step.index for step in op.program.steps}
    active = {each.label for each in op.plan.deferred if holds(each.when + each.exists, variables)}
    above = {each.label: each.parent for each in op.plan.deferred}
    needs: dict[str, set[int]] = {label: set() for label in active}
    for each in op.plan.deferred:
        label: str | None = each.label
        while label is not None and label not in active:
            label = above[label]
        if label is not None:
            needs[label].update(places[fetch] for fetch in each.fetches)
    return [
        _Block(each, frozenset(needs[each.label]), _selection(each), _kind_at(view, each))
        for each in op.plan.deferred
        if each.label in active
    ]


def _selection(plan: Deferred) -> SelectionSetNode:
    text = plan.selection.strip()
    document = parse(text if text.startswith("{") else f"{{{text}}}", no_location=True)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return operation.selection_set


def _kind_at(view: View, plan: Deferred) -> GraphQLNamedType | None:
    """Return the static type of the objects at a block's path."""
    spots = [(view.root, view.root_type)]
    meant: OnTypes | None = None
    for item in plan.path:
        if item == EACH:
            continue
        if isinstance(item, OnTypes):
            meant = item
            continue
        found = []
        for spot, name in spots:
            for runtime in (name, *sorted(view.types.possible(name))):
                if not view.types.is_object(runtime):
                    continue
                if meant is not None and not any(view.types.fits(runtime, t) for t in meant.types):
                    continue
                for each in spot.fields(runtime):
                    if each.key == item and each.spot is not None and each.type is not None:
                        found.append((each.spot, named_type(each.type).name))
        spots, meant = found, None
    return view.types.schema.type_map.get(spots[0][1]) if spots else None


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for item in path:
        try:
            value = value[item]
        except (LookupError, TypeError):
            return None
    return value


def _within(error: Mapping[str, Any], place: ClientPath) -> bool:
    path = error.get("path")
    return isinstance(path, list) and tuple(path[: len(place)]) == place
