"""Operation -> plan: the stages in order, and the cache around them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import RLock
from time import thread_time
from typing import Final, TypeAlias

from graphql import DocumentNode
from msgspec import Struct, field

from router.errors import NoPlan
from router.planning.closure import Closures
from router.planning.drafts import Draft
from router.planning.emit import emit_fetches
from router.planning.fetches import FetchBuilder, Names
from router.planning.graph import QueryGraph
from router.planning.normal import normal_form
from router.planning.operation import Operation, normalise
from router.planning.options import Branch, Option
from router.planning.passes import improve, order_mutation
from router.planning.paths import Explorer
from router.planning.plan import Deferred, OperationKind, Plan
from router.planning.schedule import save_requests
from router.planning.search import Budget, Choice, choose
from router.planning.selection import Defer, Selections
from router.planning.serial import RootField, root_fields
from router.planning.sparing import spare
from router.supergraph import SubgraphView, Supergraph

__all__ = ["Planner", "PlannerOptions", "Trace"]

_Call: TypeAlias = tuple[list[Branch], Choice, SubgraphView]
"""A root field with effects: its leaves, what is chosen for them, and who is called."""

_GRAPHS: Final = 32
"""Query graphs kept: one for each set of active override labels lately seen."""


class PlannerOptions(Struct, frozen=True, kw_only=True):
    """``batch``: entity fetches that are ready together are one request. ``defer``: plan
    ``@defer`` regions (otherwise its fragments are ordinary). ``cached_plans``: how many to keep.
    ``seconds``: of processor time, after which an operation is refused as too complex.
    """

    batch: bool = True
    defer: bool = False
    cached_plans: int = 1024
    budget: Budget = field(default_factory=Budget)
    seconds: float = 5.0


class Trace(Struct):
    """What planning found on its way: the branches with their choice, the drafts unmerged."""

    operation: Operation
    explorer: Explorer
    drafts: list[Draft]
    decided: list[tuple[Branch, Option]] = field(default_factory=list)
    optimal: bool = True


class Planner:
    """Plans operations against one supergraph; thread-safe."""

    def __init__(self, supergraph: Supergraph, options: PlannerOptions | None = None) -> None:
        self.supergraph: Final = supergraph
        self.options: Final = options or PlannerOptions()
        self._plans: OrderedDict[tuple[str, str | None, frozenset[str]], Plan] = OrderedDict()
        self._explorers: OrderedDict[frozenset[str], Explorer] = OrderedDict()
        self._lock = RLock()

    def plan(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
    ) -> Plan:
        """Plan one operation of a document that is valid against an API schema.

        ``labels`` are the active override labels. Raises NoPlan where no combination of subgraphs
        can answer, OperationInvalid where the operation is missing or too large.
        """
        active = labels & self.supergraph.override_labels
        key = (normal_form(document), operation_name, active)
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
            plan = self._make(document, operation_name, active)
            self._plans[key] = plan
            if len(self._plans) > self.options.cached_plans:
                self._plans.popitem(last=False)
            return plan

    def trace(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
    ) -> Trace:
        """The stages before optimising and printing, for :mod:`router.planning.stages`."""
        active = labels & self.supergraph.override_labels
        with self._lock:
            return self._decide(document, operation_name, active)

    def _make(
        self, document: DocumentNode, operation_name: str | None, labels: frozenset[str]
    ) -> Plan:
        trace = self._decide(document, operation_name, labels)
        drafts = improve(trace.drafts)
        order_mutation(drafts)
        if trace.operation.may_leave_out:
            spare(drafts)
        if self.options.batch:
            save_requests(drafts)
        fetches, fetch_of = emit_fetches(drafts, trace.operation, batch=self.options.batch)
        blocks = tuple(
            _block(defer, {fetch_of[draft.id] for draft in drafts if draft.defer is defer})
            for defer in trace.operation.defers
        )
        return Plan(
            kind=trace.operation.kind, fetches=fetches, deferred=blocks, optimal=trace.optimal
        )

    def _decide(
        self, document: DocumentNode, operation_name: str | None, labels: frozenset[str]
    ) -> Trace:
        operation = normalise(document, operation_name, self.supergraph, defer=self.options.defer)
        explorer = self._explorer(labels)
        explorer.deadline = thread_time() + self.options.seconds
        builder = FetchBuilder(explorer.graph, Names(operation.occupied), operation.kind)
        trace = Trace(operation, explorer, builder.drafts)
        budget = self.options.budget
        if operation.kind is OperationKind.QUERY:
            _plan_query(trace, builder, budget)
        else:
            _plan_in_order(trace, builder, budget)
        builder.finish()
        return trace

    def _explorer(self, labels: frozenset[str]) -> Explorer:
        explorer = self._explorers.get(labels)
        if explorer is None:
            graph = QueryGraph(self.supergraph, labels)
            explorer = self._explorers[labels] = Explorer(graph, Closures(graph))
            if len(self._explorers) > _GRAPHS:
                self._explorers.popitem(last=False)
        else:
            self._explorers.move_to_end(labels)
        return explorer


def _block(defer: Defer, fetches: set[int]) -> Deferred:
    return Deferred(
        label=defer.label,
        client_label=defer.client_label,
        path=defer.path,
        selection=defer.selection,
        fetches=tuple(sorted(fetches)),
        parent=defer.parent.label if defer.parent is not None else None,
        when=defer.when,
        exists=defer.exists,
    )


def _plan_query(trace: Trace, builder: FetchBuilder, budget: Budget) -> None:
    operation = trace.operation
    found = [_explored(each, trace, budget) for each in (operation.selections, *operation.others)]
    branches, choice = min(found, key=lambda each: each[1].cost)
    _build(branches, choice, builder, trace)


def _explored(selections: Selections, trace: Trace, budget: Budget) -> tuple[list[Branch], Choice]:
    explorer = trace.explorer
    branches: list[Branch] = []
    start = explorer.enter(trace.operation.root, explorer.graph.subgraphs)
    explorer.explore(selections, start, branches)
    return branches, _chosen(branches, trace.operation, budget)


def _plan_in_order(trace: Trace, builder: FetchBuilder, budget: Budget) -> None:
    """Root fields with effects: each is called once, in one subgraph, in the client's order."""
    operation = trace.operation
    found = [
        [
            _cheapest_root(call, operation, trace.explorer, budget)
            for call in root_fields(selections)
        ]
        for selections in (operation.selections, *operation.others)
    ]
    previous: SubgraphView | None = None
    for branches, choice, subgraph in min(found, key=_cost_of_all):
        if previous is not None and subgraph is not previous:
            builder.group += 1
        previous = subgraph
        _build(branches, choice, builder, trace)


def _cost_of_all(calls: Sequence[_Call]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(choice.cost for _, choice, _ in calls), strict=True)))


def _cheapest_root(
    call: RootField, operation: Operation, explorer: Explorer, budget: Budget
) -> _Call:
    best: _Call | None = None
    failure: NoPlan | None = None
    for subgraph in explorer.graph.subgraphs:
        node = explorer.graph.node(subgraph, operation.root)
        if node is None or node.edge(call[0].name) is None:
            continue
        branches: list[Branch] = []
        try:
            explorer.explore(call, explorer.enter(operation.root, (subgraph,)), branches)
        except NoPlan as error:
            failure = error
            continue
        choice = _chosen(branches, operation, budget)
        if best is None or choice.cost < best[1].cost:
            best = (branches, choice, subgraph)
    if best is None:
        raise failure or NoPlan(f"No subgraph has the root field {call[0].name!r}.")
    return best


def _chosen(branches: Sequence[Branch], operation: Operation, budget: Budget) -> Choice:
    return choose(
        branches,
        budget,
        deferring=bool(operation.defers),
        optional=operation.may_leave_out,
    )


def _build(branches: Sequence[Branch], choice: Choice, builder: FetchBuilder, trace: Trace) -> None:
    trace.optimal &= choice.optimal
    for branch, option in zip(branches, choice.options, strict=True):
        trace.decided.append((branch, option))
        builder.add(option, rest=branch.rest)
