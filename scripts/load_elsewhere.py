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
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))

from router.composition.compose import compose
from router.composition.errors import CompositionFailed
from router.composition.sources import SubgraphSource
from router.supergraph import Supergraph
from scripts.node_filter import NodeFilter, Silent, missing
from tests.router.composition.random_subgraphs import random_subgraphs
from tests.router.composition.wild_subgraphs import wild_subgraphs

CASES: Final = Path(__file__).parents[1] / "tests" / "router" / "composition" / "cases"
GATEWAYS: Final = ("apollo", "hive", "hive planner")
PACKAGES: Final = (
    "@apollo/gateway",
    "@graphql-hive/gateway",
    "@graphql-hive/router-query-planner",
    "graphql",
)
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
    if absent := missing(options.gateways, *PACKAGES):
        print(absent, file=sys.stderr)
        return 2
    loaded, refused = 0, Counter[str]()
    with NodeFilter("load_elsewhere.mjs", options.gateways) as gateways:
        for name, supergraph in _supergraphs(options.cases, options.seed):
            loaded += 1
            for gateway, why in _refusals(supergraph, gateways):
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


def _refusals(supergraph: str, gateways: NodeFilter) -> Iterator[tuple[str, str]]:
    shown = _named(Supergraph.load(supergraph).api_schema.type_map)
    for gateway in GATEWAYS:
        try:
            answer = gateways.ask(gateway=gateway, supergraph=supergraph)
        except Silent as silent:
            answer = {"error": str(silent)}
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


if __name__ == "__main__":
    sys.exit(main())
