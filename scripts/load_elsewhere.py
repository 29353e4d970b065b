"""Load the supergraphs that we compose into other gateways, and report which refuse one.

    mkdir -p /tmp/gateways && cd /tmp/gateways && npm install graphql \\
        @apollo/gateway @graphql-hive/gateway @graphql-hive/router-query-planner
    python scripts/load_elsewhere.py --gateways /tmp/gateways

Loaded are the supergraphs of all cases of composition (``tests/router/composition/cases``), or of
seeds (``--seed``, ``--cases``) of random and wild subgraphs. A gateway must load each, and must
show its clients the types that ours shows. What some gateway cannot load although the reference
composer writes the very same is known and does not count.

Exit status: 0 all load, 1 some do not, 2 no Node or no gateways to run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from router.supergraph import Supergraph
from tests.router.composition.random_subgraphs import random_subgraphs
from tests.router.composition.wild_subgraphs import wild_subgraphs

HERE: Final = Path(__file__).parent
CASES: Final = HERE.parent / "tests" / "router" / "composition" / "cases"
GATEWAYS: Final = ("apollo", "hive", "hive planner")
BUILT_IN: Final = {"Int", "Float", "String", "Boolean", "ID"}
KNOWN: Final = {
    ("alias-clash", "hive planner"): "takes every directive named cost for the specification's",
    ("key-text-kept", "hive"): "reads no key in braces",
    ("key-text-kept", "hive planner"): "reads no key in braces",
    ("schema-description", "hive planner"): "reads no description of the schema",
    (
        "type-underscore-prefix",
        "hive planner",
    ): "takes every directive named cost for the specification's",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--gateways", type=Path, default=Path("/tmp/gateways"))
    parser.add_argument("--cases", type=int, help="how many seeds to draw instead of the cases")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    installed = options.gateways / "node_modules"
    wanted = ("@apollo/gateway", "@graphql-hive/gateway", "@graphql-hive/router-query-planner")
    if shutil.which("node") is None or not all((installed / each).is_dir() for each in wanted):
        print(f"{options.gateways} needs {', '.join(wanted)} and Node.", file=sys.stderr)
        return 2
    judges, loaded, refused = Judges(options.gateways), 0, Counter[str]()
    for name, supergraph in _supergraphs(options.cases, options.seed):
        loaded += 1
        for gateway, why in _refusals(supergraph, judges):
            if (name, gateway) in KNOWN:
                continue
            refused[gateway] += 1
            print(f"{name}: {gateway}: {why}", flush=True)
    told = ", ".join(f"{refused[gateway]} refused by {gateway}" for gateway in GATEWAYS)
    print(f"{loaded} supergraphs, {told}")
    return 1 if refused else 0


def _supergraphs(count: int | None, seed: int) -> Iterator[tuple[str, str]]:
    """Yield the supergraphs of what composes."""
    for name, sources in _sources(count, seed):
        try:
            yield name, compose(sources).supergraph_sdl
        except CompositionFailed:
            continue


def _sources(count: int | None, seed: int) -> Iterator[tuple[str, list[SubgraphSource]]]:
    if count is None:
        for folder in sorted(CASES.iterdir()):
            yield (
                folder.name,
                [
                    SubgraphSource(file.stem, f"http://{file.stem}", file.read_text("utf-8"))
                    for file in sorted(folder.glob("*.graphql"))
                ],
            )
        return
    for number in range(seed, seed + count):
        yield f"random {number}", random_subgraphs(number)
        yield f"wild {number}", wild_subgraphs(number)


def _refusals(supergraph: str, judges: Judges) -> Iterator[tuple[str, str]]:
    shown = _named(Supergraph.load(supergraph).api_schema.type_map)
    for gateway, answer in judges.judge(supergraph).items():
        if "error" in answer:
            yield gateway, " ".join(answer["error"].split())[:300]
        elif "types" in answer:
            theirs = _named(answer["types"])
            # Hive shows the scalars of linked specifications as well
            differing = shown - theirs if gateway == "hive" else shown ^ theirs
            if differing:
                yield gateway, f"shows other types: {sorted(differing)}"


def _named(types: Iterable[str]) -> set[str]:
    return {name for name in types if not name.startswith("__")} - BUILT_IN


class Judges:
    """The gateways, in a process that one of them may take down."""

    def __init__(self, folder: Path) -> None:
        self._command = ["node", str(HERE / "load_elsewhere.mjs"), str(folder)]
        self._process: subprocess.Popen[str] | None = None

    def judge(self, supergraph: str) -> dict[str, dict[str, Any]]:
        """Return what each gateway says of a supergraph."""
        return {gateway: self._ask(gateway, supergraph) for gateway in GATEWAYS}

    def _ask(self, gateway: str, supergraph: str) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"gateway": gateway, "supergraph": supergraph}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            process.wait()
            return {"error": "(its process ended)"}
        answer: dict[str, Any] = json.loads(line)
        return answer


if __name__ == "__main__":
    sys.exit(main())
