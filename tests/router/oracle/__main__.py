"""``python -m tests.router.oracle FIRST COUNT``: the long run, one line per failing seed."""

from __future__ import annotations

import asyncio
import sys
import traceback
from random import Random

from .federation import Case, Federation


async def main(first: int, count: int, *, verbose: bool) -> int:
    composed = cases = failures = 0
    for seed in range(first, first + count):
        rng = Random(seed)
        federation = None
        try:
            federation = Federation.random(rng)
            if federation is None:
                continue
            composed += 1
            for _ in range(5):
                cases += 1
                await Case.random(rng, federation).check()
        except Exception as error:
            failures += 1
            kind = "compose" if federation is None else "answer"
            print(f"seed {seed} ({kind}): {type(error).__name__}: {str(error)[-300:]!r}")
            if verbose:
                traceback.print_exc()
                print(error)
    print(f"{count} worlds, {composed} composed, {cases} operations, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    sys.exit(asyncio.run(main(*numbers, verbose="-v" in sys.argv)))
