"""Run foreign planners beside ours and report where one of them plans better.

    mkdir -p /tmp/planners && (cd /tmp/planners && npm install graphql@16 \\
        @apollo/query-planner @apollo/federation-internals @graphql-hive/router-query-planner)
    python scripts/compare_plans.py --peers /tmp/planners --worlds 500

Worlds and operations are drawn by seed (``tests/router/oracle``); our composer makes the
supergraph that all planners load. Queries, mutations, subscriptions, ``@defer`` (Hive ignores it) and
active override labels take part. A plan is better than ours if its longest chain is shorter, or
as long with fewer requests; with ``@defer`` the first answer counts before the whole. Costs are
counted for all values of the conditions, and without regard to them: what is better for some and worse
for others is "better in a case". What a planner prints as ``Sequence`` is a chain. Our entity fetches
that travel as aliases of one request count once, as does a peer's ``BatchFetch``; with ``--batched``
a peer's fetches to one subgraph at one depth count once too, so that what is compared is the search
alone.

A better plan is executed against the world, for all values of its conditions and several sets of
data: it is no better if
its answer is wrong, if it asks a subgraph for what that subgraph does not know, or if it runs a
mutation's root field beside anything else. Such plans are counted as wrong.

Exit status: 0 no plan is better than ours, 1 some are, 2 no Node or no peer to run.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from graphql import DocumentNode, GraphQLSchema, OperationType, parse, print_ast

from router.errors import NoPlan
from router.execution import compile_operation
from router.planning.explain import to_text
from router.planning.operation import normalise
from router.planning.plan import OperationKind, Plan
from router.planning.serial import root_fields
from router.server.deferral import in_one, questions, without
from scripts.foreign_plans import (
    PACKAGES,
    Node,
    Peer,
    breaks_order,
    cost_of,
    lines_of,
    own_cost,
    read_plan,
)
from tests.router.execution.wired import DICTIONARIES, PLAIN, TYPED
from tests.router.oracle.case import Case
from tests.router.oracle.features.overrides import LABEL
from tests.router.oracle.federation import Federation
from tests.router.oracle.operations import random_operation


@dataclass
class Report:
    """What was found, counted by peer."""

    operations: int = 0
    unplanned: int = 0
    verdicts: dict[str, Counter[str]] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """A line for each peer."""
        yield f"{self.operations} operations, {self.unplanned} without a plan of ours"
        for name, counts in self.verdicts.items():
            yield f"{name}: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)


DATA_SETS = 24
VERDICTS = (
    "better",
    "better in a case",
    "equal",
    "worse",
    "wrong",
    "failed",
    "planned where we do not",
)
KINDS = ("query", "query", "query", "query", "mutation", "subscription", "defer")


@dataclass(frozen=True)
class Question:
    """An operation on a world."""

    name: str
    federation: Federation
    operation: str
    variables: dict[str, Any]
    labels: frozenset[str]


def main() -> int:
    arguments = _arguments()
    if shutil.which("node") is None:
        print("Node is not installed: nothing to compare with.", file=sys.stderr)
        return 2
    names = [n for n, p in PACKAGES.items() if (arguments.peers / "node_modules" / p).is_dir()]
    if not names:
        print(f"{arguments.peers} has no planner; install one there (--help).", file=sys.stderr)
        return 2
    report = Report(verdicts={name: Counter() for name in names})
    with ExitStack() as stack:
        peers = {name: stack.enter_context(Peer(arguments.peers, name)) for name in names}
        for question in _questions(arguments):
            report.operations += 1
            ours = _own(question)
            report.unplanned += ours is None
            for name, peer in peers.items():
                supergraph = question.federation.supergraph
                labels = {each: each in question.labels for each in supergraph.override_labels}
                theirs = peer.plan(supergraph.sdl, question.operation, labels)
                verdict = judge(question, ours, theirs, batched=arguments.batched)
                if name == "hive" and ours is not None and _gives_context(ours):
                    verdict = "failed"  # it leaves context arguments out
                report.verdicts[name][verdict] += 1
                if verdict in arguments.show:
                    print(f"== {question.name}: {name} is {verdict}")
                    if not arguments.brief:
                        print(_shown(question, ours, theirs))
    print("\n".join(report.lines()))
    return 1 if any(c["better"] + c[VERDICTS[-1]] for c in report.verdicts.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, default=Path("/tmp/planners"))
    parser.add_argument("--worlds", type=int, default=200, help="how many seeds to draw")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--operations", type=int, default=8, help="operations for each world")
    parser.add_argument("--minutes", type=float, default=60, help="after which no world is drawn")
    parser.add_argument("--batched", action="store_true", help="let peers' fetches travel as one")
    parser.add_argument("--brief", action="store_true", help="one line for each difference")
    parser.add_argument("--show", nargs="*", choices=VERDICTS, default=[VERDICTS[0], VERDICTS[-1]])
    parser.add_argument("--kinds", nargs="+", choices=set(KINDS), default=KINDS)
    return parser.parse_args()


def _questions(arguments: argparse.Namespace) -> Iterator[Question]:
    deadline = monotonic() + 60 * arguments.minutes
    for seed in range(arguments.seed, arguments.seed + arguments.worlds):
        if monotonic() > deadline:
            return
        rng = Random(seed)
        federation = Federation.random(rng)
        if federation is None:
            continue
        for _ in range(arguments.operations):
            kind = rng.choice(_kinds(arguments.kinds, federation.supergraph.operation_schema))
            text, variables = random_operation(
                rng,
                federation.supergraph.operation_schema,
                "query" if kind == "defer" else kind,
                defer=kind == "defer",
            )
            labels = frozenset([LABEL] if rng.random() < 0.5 else [])
            yield Question(f"seed {seed}", federation, text, variables, labels)


def _kinds(asked: Sequence[str], schema: GraphQLSchema) -> Sequence[str]:
    absent = {kind.value for kind in OperationType if schema.get_root_type(kind) is None}
    return [each for each in asked if each not in absent] or ["query"]


def _own(question: Question, document: DocumentNode | None = None) -> Plan | None:
    asked = document or parse(question.operation)
    try:
        return question.federation.planner.plan(asked, labels=question.labels)
    except NoPlan:
        return None


def judge(question: Question, ours: Plan | None, theirs: Node | str, *, batched: bool) -> str:
    """One of ``VERDICTS`` on a peer's plan."""
    if isinstance(theirs, str):
        return "failed"
    verdict = VERDICTS[-1]
    if ours is not None:
        verdict = _compared(question, ours, theirs, batched)
        if verdict in ("equal", "worse"):
            return verdict
    return verdict if asyncio.run(answers(question, theirs)) else "wrong"


def _compared(question: Question, ours: Plan, theirs: Node, batched: bool) -> str:
    costs = [
        (
            own_cost(_planned_for(truths, question, ours), truths),
            cost_of(theirs, truths, batched=batched),
        )
        for truths in (None, *_assignments(question))
    ]
    better = any(their < own for own, their in costs)
    worse = any(their > own for own, their in costs)
    if better:
        return "better in a case" if worse else "better"
    return "worse" if worse else "equal"


def _planned_for(truths: Mapping[str, bool] | None, question: Question, ours: Plan) -> Plan:
    """The plan that the router runs: what is not delivered apart is not planned apart."""
    if truths is None or not ours.deferred:
        return ours
    document = parse(question.operation)
    together = frozenset(n for n in questions(document) or () if not truths[n])
    apart = any(
        all(truths[when.variable] is when.value for when in each.when + each.exists)
        for each in ours.deferred
    )
    if apart and not together:
        return ours
    return _own(question, without(document, together) if apart else in_one(document)) or ours


def _gives_context(plan: Plan) -> bool:
    return any(call.context for fetch in plan.fetches for call in fetch.entities)


async def answers(question: Question, found: Node) -> bool:
    """Whether a peer's plan does what the operation says, whatever its conditions are."""
    document = in_one(parse(question.operation))
    text = print_ast(document)
    supergraph = question.federation.supergraph
    operation = normalise(document, None, supergraph)
    if operation.kind is OperationKind.MUTATION:
        keys = dict.fromkeys(call[0].key for call in root_fields(operation.selections))
        if breaks_order(found, list(keys)):
            return False
    compiled = compile_operation(
        read_plan(found, operation.kind), document, None, supergraph.api_schema, supergraph
    )
    world = question.federation.world
    for seed in range(world.seed, world.seed + DATA_SETS):
        federation = Federation(replace(world, seed=seed))
        for variables in _assignments(question):
            case = Case(federation, text, variables, question.labels)
            case._compiled = dict.fromkeys((DICTIONARIES, TYPED, PLAIN), compiled)
            try:
                await case.check()
            except AssertionError:
                return False
            if federation.truth.loses and await _loses_more(case):
                return False
    return True


async def _loses_more(case: Case) -> bool:
    """Whether a plan loses what ours finds, where some values cannot be had everywhere."""
    try:
        own = await replace(case, plan=None, _compiled={}).bodies()
    except NoPlan:
        return False
    return not any(b'"errors"' in body for body in own) and own != await case.bodies()


def _assignments(question: Question) -> Iterator[dict[str, Any]]:
    variables = question.variables
    names = [
        each.variable.name.value
        for definition in parse(question.operation).definitions
        for each in getattr(definition, "variable_definitions", None) or ()
        if print_ast(each.type).rstrip("!") == "Boolean"
    ]
    for values in product((True, False), repeat=len(names)):
        yield {**variables, **dict(zip(names, values, strict=True))}


def _shown(question: Question, ours: Plan | None, theirs: Node | str) -> str:
    parts: Sequence[str] = [
        question.federation.world.source(),
        f"labels: {set(question.labels)}",
        print_ast(parse(question.operation)),
        f"-- ours\n{to_text(ours) if ours is not None else 'no plan'}",
        "-- theirs",
        *([theirs] if isinstance(theirs, str) else lines_of(theirs)),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
