"""Measure composition: CPU seconds for supergraphs of many shapes, beside the reference composer.

    python -m tests.bench.composition [--reference FOLDER] [SHAPE ...]

The best of three runs counts. FOLDER has @apollo/composition under node_modules (it is run, never
shipped); it is given a minute per shape, since some shapes take it longer than anyone would wait.
What both composed must be the same text.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Final

from router.composition.compose import compose
from router.composition.sources import SubgraphSource
from scripts.node_filter import NodeFilter, Silent

LINK: Final = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", '
    '"@requires", "@external", "@shareable", "@interfaceObject"])\n'
)
COUNT: Final = 50
RUNS: Final = 3
PATIENCE_S: Final = 60.0


def _sources(schemas: Iterable[str], link: str = LINK) -> list[SubgraphSource]:
    return [
        SubgraphSource(f"s{index:02}", f"http://s{index:02}", link + schema)
        for index, schema in enumerate(schemas)
    ]


# -- shapes --------------------------------------------------------------------------------


def five() -> list[SubgraphSource]:
    """Five subgraphs of thirty entities each, which name each other's."""
    random, schemas = Random(2), []
    for index in range(5):
        fields = " ".join(f"f{number}: Int" for number in range(8))
        links = [(random.randrange(5), random.randrange(30)) for _ in range(30)]
        types = [
            f'type T{index}_{t} @key(fields: "id") {{ id: ID! {fields} link: T{a}_{b} }}'
            for t, (a, b) in enumerate(links)
        ]
        types += [
            f'type T{a}_{b} @key(fields: "id") {{ id: ID! x{index}: Int }}'
            for a, b in sorted(set(links))
            if a != index
        ]
        roots = " ".join(f"q{index}_{t}: T{index}_{t}" for t in range(10))
        schemas.append("\n".join([f"type Query {{ {roots} }}", *types]))
    return _sources(schemas)


def ring() -> list[SubgraphSource]:
    """One entity; each subgraph shares one key with the subgraph before and one with the next."""
    return _sources(
        f'type Query {{ q{i}: T }} type T @key(fields: "k{i}") @key(fields: "k{j}") '
        f"{{ k{i}: ID! k{j}: ID! f{i}: Int }}"
        for i, j in ((i, (i + 1) % COUNT) for i in range(COUNT))
    )


def small_ring() -> list[SubgraphSource]:
    """The same of seven, which the reference composes in a second and eight not in a minute."""
    return _sources(
        f'type Query {{ q{i}: T }} type T @key(fields: "k{i}") @key(fields: "k{j}") '
        f"{{ k{i}: ID! k{j}: ID! f{i}: Int }}"
        for i, j in ((i, (i + 1) % 7) for i in range(7))
    )


def star() -> list[SubgraphSource]:
    """One subgraph has a key for every other one."""
    keys = " ".join(f'@key(fields: "k{i}")' for i in range(1, COUNT))
    fields = " ".join(f"k{i}: ID!" for i in range(1, COUNT))
    hub = f"type Query {{ hub: T }} type T {keys} {{ {fields} }}"
    rays = (
        f'type Query {{ q{i}: T }} type T @key(fields: "k{i}") {{ k{i}: ID! f{i}: Int }}'
        for i in range(1, COUNT)
    )
    return _sources([hub, *rays])


def clique() -> list[SubgraphSource]:
    """Ten entities with five keys each, all of them in every subgraph."""
    keys = " ".join(f'@key(fields: "k{k}")' for k in range(5))
    fields = " ".join(f"k{k}: ID!" for k in range(5))
    return _sources(
        f"type Query {{ q{i}: T0 }}\n"
        + "\n".join(
            f"type T{t} {keys} {{ {fields} f{i}: Int next{i}: T{(t + 1) % 10} }}" for t in range(10)
        )
        for i in range(COUNT)
    )


def values() -> list[SubgraphSource]:
    """Forty shareable value types of ten fields, in every subgraph."""
    fields = " ".join(f"a{number}: Int" for number in range(10))
    types = "\n".join(
        f"type V{t} @shareable {{ {fields} next: V{(t + 1) % 40} }}" for t in range(40)
    )
    return _sources(f"type Query {{ q{i}: V{i % 40} }}\n{types}" for i in range(COUNT))


def implementations() -> list[SubgraphSource]:
    """Fifty implementations of an interface, in every subgraph."""
    types = "\n".join(
        f'type A{k} implements I @key(fields: "id") {{ id: ID! name: String @shareable }}'
        for k in range(50)
    )
    return _sources(
        f"type Query {{ all: [I] @shareable q{i}: I }} interface I {{ id: ID! name: String }}\n{types}"
        for i in range(COUNT)
    )


def deep() -> list[SubgraphSource]:
    """Fifty value types inside each other, and an entity at the end."""
    levels = "\n".join(f"type L{d} @shareable {{ next: L{d + 1} v: Int }}" for d in range(50))
    return _sources(
        f'type Query {{ root: L0 @shareable }}\n{levels}\ntype L50 @key(fields: "id") '
        f"{{ id: ID! f{i}: Int }}"
        for i in range(COUNT)
    )


def requires() -> list[SubgraphSource]:
    """Each subgraph's field requires that of the subgraph before."""
    first = 'type Query { t: T } type T @key(fields: "id") { id: ID! r0: Int }'
    others = (
        f'type T @key(fields: "id") {{ id: ID! r{i - 1}: Int @external '
        f'r{i}: Int @requires(fields: "r{i - 1}") }}'
        for i in range(1, COUNT)
    )
    return _sources([first, *others])


def federation_1() -> list[SubgraphSource]:
    """Twenty entities of federation 1, each extended by every other subgraph."""
    schemas = []
    for i in range(COUNT):
        types = [
            f'type T{t} @key(fields: "id") {{ id: ID! name: String v: V }}'
            if t == i
            else f'extend type T{t} @key(fields: "id") {{ id: ID! @external f{i}: Int }}'
            for t in range(20)
        ]
        query = f"type Query {{ q{i}: T{i % 20} }} type V {{ a: Int b: Int }}"
        schemas.append("\n".join([query, *types]))
    return _sources(schemas, link="")


def company() -> list[SubgraphSource]:
    """A hundred entities, each owned by one subgraph and extended by five others."""
    random = Random(3)
    parts: list[list[int]] = [[] for _ in range(COUNT)]
    for t in range(100):
        for index in random.sample(range(COUNT), 6):
            parts[index].append(t)
    schemas = []
    for i, mine in enumerate(parts):
        links = {t: random.randrange(100) for t in mine}
        types = [
            f'type T{t} @key(fields: "id") {{ id: ID! f{i}: Int l{i}: T{links[t]} p{i}: P }}'
            for t in mine
        ]
        types += [
            f'type T{t} @key(fields: "id", resolvable: false) {{ id: ID! }}'
            for t in sorted(set(links.values()) - set(mine))
        ]
        roots = " ".join(f"e{t}_{i}: T{t}" for t in mine)
        schemas.append(
            "\n".join(
                [f"type Query {{ q{i}: Int {roots} }} type P @shareable {{ a: Int }}", *types]
            )
        )
    return _sources(schemas)


SHAPES: Final[dict[str, Callable[[], list[SubgraphSource]]]] = {
    shape.__name__: shape
    for shape in (
        five,
        small_ring,
        ring,
        star,
        clique,
        values,
        implementations,
        deep,
        requires,
        federation_1,
        company,
    )
}


# -- measuring -----------------------------------------------------------------------------


def ours(sources: list[SubgraphSource]) -> tuple[float, str]:
    """Return the CPU seconds of the best run, and the supergraph."""
    best, sdl = float("inf"), ""
    for _ in range(RUNS):
        begun = time.process_time()
        sdl = compose(sources).supergraph_sdl
        best = min(best, time.process_time() - begun)
    return best, sdl


def theirs(sources: list[SubgraphSource], reference: NodeFilter) -> tuple[float | None, str]:
    """Return the same of the reference; no time if it takes too long."""
    best, sdl = float("inf"), ""
    subgraphs = [{"name": each.name, "url": each.url, "sdl": each.sdl} for each in sources]
    for _ in range(RUNS):
        try:
            answer = reference.ask(subgraphs=subgraphs)
        except Silent:
            return None, ""
        best, sdl = min(best, answer["cpuSeconds"]), answer["supergraphSdl"] or ""
    return best, sdl


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reference", type=Path)
    parser.add_argument("shapes", nargs="*", choices=[[], *SHAPES])
    options = parser.parse_args()
    reference = None
    if options.reference:
        reference = NodeFilter("compare_composition.mjs", options.reference, patience=PATIENCE_S)
    for name in options.shapes or SHAPES:
        sources = SHAPES[name]()
        seconds, sdl = ours(sources)
        line = f"{name:16} {seconds:7.3f} s"
        if reference is not None:
            other, text = theirs(sources, reference)
            if other is None:
                line += f"   reference: more than {PATIENCE_S:.0f} s"
            else:
                assert text.strip() == sdl.strip(), f"{name}: composed differently"
                line += f"   reference: {other:7.3f} s   ratio {seconds / other:.2f}"
        print(line, flush=True)
    if reference is not None:
        reference.stop()


if __name__ == "__main__":
    main()
