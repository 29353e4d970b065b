"""``python -m tests.router.oracle FIRST COUNT``: the long run, one line per failing seed.

``-v`` tells all of a failure; ``-f`` runs each operation with faulty subgraphs, over every
transport, at the door of a whole router and with something wrong in it too.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections import Counter
from random import Random

from router.composition.errors import CompositionFailed

from .case import Case
from .doors import at_the_door
from .faults import FAULTS
from .federation import Federation, without_the_unreachable
from .generate import random_world


async def main(first: int, count: int, *, verbose: bool, faults: bool) -> int:
    composed = cases = failures = 0
    refused: Counter[str] = Counter()
    for seed in range(first, first + count):
        rng = Random(seed)
        federation = None
        try:
            world = random_world(rng)
            for attempt in range(8):
                try:
                    federation = Federation(world)
                    break
                except CompositionFailed as failed:
                    if attempt == 7 or not without_the_unreachable(world, failed):
                        raise
            assert federation
            composed += 1
            for _ in range(5):
                cases += 1
                async with asyncio.timeout(60):
                    case = Case.random(rng, federation)
                    await case.check()
                    if faults:
                        doubt = Random(f"{seed} {case.operation}")
                        for fault in () if case.is_subscription else FAULTS:
                            await fault(doubt, case)
                        await case.check_transports()
                        async with at_the_door(federation, case.labels) as door:
                            await door.check(case)
                            await door.check_spoiled(doubt, case)
        except CompositionFailed as error:
            refused.update({each.code for each in error.errors})
            if verbose:
                print(error)
        except Exception as error:  # one line each
            failures += 1
            kind = "compose" if federation is None else "answer"
            print(
                f"seed {seed} ({kind}): {type(error).__name__}: {str(error)[-300:]!r}", flush=True
            )
            if verbose:
                traceback.print_exc()
                print(error)
    print(f"{count} worlds, {composed} composed, {cases} operations, {failures} failures")
    print("refused by composition:", dict(refused))
    return 1 if failures else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    sys.exit(asyncio.run(main(*numbers, verbose="-v" in sys.argv, faults="-f" in sys.argv)))
