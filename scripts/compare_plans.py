"""Run foreign planners beside ours and report where one of them plans better.

    mkdir -p /tmp/planners && (cd /tmp/planners && npm install graphql@16 \\
        @apollo/query-planner @apollo/federation-internals @graphql-hive/router-query-planner)
    python scripts/compare_plans.py --peers /tmp/planners --worlds 500

Worlds and operations are drawn by seed (``tests/router/oracle``); our composer makes the
supergraph that all planners load. A plan is better than ours if its longest chain is shorter, or
as long with fewer requests. What a planner prints as ``Sequence`` is a chain. Our entity fetches
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from graphql import parse, print_ast

from router.errors import NoPlan
from router.execution import compile_operation
from router.planning.explain import to_text
from router.planning.operation import normalise
from router.planning.plan import OperationKind, Plan
from router.planning.planner import Planner
from router.planning.serial import root_fields
from scripts.foreign_plans import (
    PACKAGES,
    Node,
    Peer,
    breaks_order,
    cost_of,
    lines_of,
    read_plan,
)
from tests.router.oracle.federation import Case, Federation
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


DATA_SETS = 12
VERDICTS = ("better", "equal", "worse", "wrong", "failed", "planned where we do not")


@dataclass(frozen=True)
class Question:
    """An operation on a world."""

    name: str
    federation: Federation
    operation: str
    variables: dict[str, Any]


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
                theirs = peer.plan(question.federation.supergraph.sdl, question.operation)
                verdict = judge(question, ours, theirs, batched=arguments.batched)
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
            kind = "mutation" if federation.world.mutation and rng.random() < 0.25 else "query"
            text, variables = random_operation(rng, federation.supergraph.api_schema, kind)
            yield Question(f"seed {seed}", federation, text, variables)


def _own(question: Question) -> Plan | None:
    try:
        return Planner(question.federation.supergraph).plan(parse(question.operation))
    except NoPlan:
        return None


def judge(question: Question, ours: Plan | None, theirs: Node | str, *, batched: bool) -> str:
    """One of ``VERDICTS`` on a peer's plan."""
    if isinstance(theirs, str):
        return "failed"
    if ours is not None:
        cost = cost_of(theirs, batched=batched)
        own = (ours.depth, len(ours.fetches))
        if cost >= own:
            return "equal" if cost == own else "worse"
    if not asyncio.run(answers(question, theirs)):
        return "wrong"
    return VERDICTS[-1] if ours is None else "better"


async def answers(question: Question, found: Node) -> bool:
    """Whether a peer's plan does what the operation says, whatever its conditions are."""
    document = parse(question.operation)
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
            case = Case(federation, question.operation, variables)
            case._compiled = {True: compiled, False: compiled}
            try:
                await case.check()
            except AssertionError:
                return False
    return True


def _assignments(question: Question) -> Iterator[dict[str, Any]]:
    variables = question.variables
    names = [name for name, value in variables.items() if isinstance(value, bool)]
    for values in product((True, False), repeat=len(names)):
        yield {**variables, **dict(zip(names, values, strict=True))}


def _shown(question: Question, ours: Plan | None, theirs: Node | str) -> str:
    parts: Sequence[str] = [
        question.federation.world.source(),
        print_ast(parse(question.operation)),
        f"-- ours\n{to_text(ours) if ours is not None else 'no plan'}",
        "-- theirs",
        *([theirs] if isinstance(theirs, str) else lines_of(theirs)),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
