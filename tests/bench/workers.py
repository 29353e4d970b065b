"""What a second worker process adds on this machine.

    python -m tests.bench.workers [SECONDS [ROUNDS]]

One router with one worker and one with two, each asked over fifty connections in turns. Load and
subgraphs run beside them: on a machine of two cores they take most of what a second worker could
use, so read the CPU per request, which a second process must not raise, beside the requests per
second.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvloop

from tests.bench.library import QUERY
from tests.bench.run import DEDUPED, PLAIN, Case, Result, load, router, subgraphs, write_supergraph

_SETTINGS: Final = "[subgraphs]\ndeduplicate = false\n"


def main(seconds: float = 3.0, rounds: int = 3) -> None:
    """Run both routers in turns and print every round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "settings.toml").write_text(_SETTINGS)
        supergraph = write_supergraph(folder)
        settings = ("--settings", str(folder / "settings.toml"))
        stack.enter_context(subgraphs())
        ports = {1: DEDUPED, 2: PLAIN}
        pids = {
            count: stack.enter_context(router(supergraph, port, *settings, "--workers", str(count)))
            for count, port in ports.items()
        }
        for _ in range(rounds):
            for count, port in ports.items():
                found: Result = uvloop.run(
                    load(Case("library", port, QUERY, 50), seconds, pids[count])
                )
                print(
                    f"workers {count}  {found.requests:7.0f} /s  p50 {found.latency:6.2f} ms  "
                    f"CPU {found.cpu:5.0f} us",
                    flush=True,
                )


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((float, int), sys.argv[1:], strict=False)))
