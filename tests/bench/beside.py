"""Measure running gateways beside each other: CPU per request, in turns.

    python -m tests.bench.beside BODY.json SECONDS ROUNDS NAME=PORT=PID ...

Each gateway listens at ``/graphql`` on its port, PID is its process (its children count too).
``BODY.json`` is the request's body. All answers must be the same JSON. Every round measures each of
them over one connection and over fifty; the best round and the median are printed, with their
ratios to the first one named: of the best rounds, and the median of the ratios within a round,
which suffers least from what else the machine does. Gateways that compile as they run (Node's)
must be warm.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from tests.bench.run import Case, ask, load


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    name: str
    port: int
    pid: int


def main(body: str, seconds: str, rounds: str, *named: str) -> None:
    """Check the answers, measure, print."""
    query = orjson.loads(Path(body).read_bytes())["query"]
    gateways = []
    for each in named:
        name, port, pid = each.split("=")
        gateways.append(Gateway(name, int(port), int(pid)))
    answers = [orjson.loads(ask(gateway.port, query)) for gateway in gateways]
    for gateway, answer in zip(gateways, answers, strict=True):
        if answer != answers[0]:
            raise SystemExit(f"{gateway.name} answers otherwise than {gateways[0].name}.")
    for connections in (1, 50):
        found: dict[Gateway, list[float]] = {gateway: [] for gateway in gateways}
        for _ in range(int(rounds)):
            for gateway in gateways:
                case = Case(gateway.name, gateway.port, query, connections)
                result = uvloop.run(load(case, float(seconds), gateway.pid))
                found[gateway].append(result.cpu)
        first = found[gateways[0]]
        for gateway, cpu in found.items():
            ratios = [one / other for one, other in zip(cpu, first, strict=True)]
            print(
                f"{gateway.name:30} c={connections:<3} CPU {min(cpu):8.0f} us "
                f"(median {statistics.median(cpu):8.0f})  "
                f"ratio {min(cpu) / min(first):6.2f} (median {statistics.median(ratios):6.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
