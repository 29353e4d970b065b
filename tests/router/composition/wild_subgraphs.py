"""Subgraphs with everything federation has, by seed: what random subgraphs leave out.

One small schema is drawn; each subgraph is given a part of it, in its own version of federation
(or federation 1), with its own way of linking, and written in its own style: extensions,
descriptions, names of roots, what libraries print for the router. Per draw only some themes are
there, so that most draws get as far as satisfiability. Noise lets the parts differ a little.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final

from router.composition.sources import SubgraphSource
from tests.router.composition.wild.decorations import DECORATIONS, disturb
from tests.router.composition.wild.part import Part
from tests.router.composition.wild.world import World
from tests.router.composition.wild.writing import write

__all__ = ["wild_subgraphs"]

EXECUTABLE: Final = (
    "directive @run(a: Int) on FIELD | QUERY",
    "directive @run(a: Int!, b: In) on QUERY | FIELD | FIELD_DEFINITION",
    '"how" directive @run(a: Int = 2, "which" b: E = A) repeatable on FIELD',
    "directive @run on VARIABLE_DEFINITION",
    "directive @run(e: E) on FIELD | ARGUMENT_DEFINITION",
)


def wild_subgraphs(seed: int) -> list[SubgraphSource]:
    """Return one to four subgraphs."""
    world = World(Random(seed))
    return [
        SubgraphSource(name, f"http://{index}", write(_part(world, index)))
        for index, name in enumerate(world.names)
    ]


def _part(world: World, index: int) -> Part:
    part = Part(world, index)
    for theme, decorate in DECORATIONS.items():
        if world.has(theme):
            decorate(part)
    if world.noise:
        disturb(part)
    if world.has("executable") and world.chance(0.8):
        part.executable = world.random.choice(EXECUTABLE)
    for name in ("In", "E"):
        if re.search(rf": {name}\b", part.executable):
            part.add(name)
    for each in list(part.types.values()):
        part.close(each)
    return part
