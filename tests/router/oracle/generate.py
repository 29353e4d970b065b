"""A random world, small enough to read when it fails: a base, and features on top of it."""

from __future__ import annotations

from random import Random

from .features import FEATURES, abstracts, base
from .maker import Maker
from .world import World

__all__ = ["random_world"]


def random_world(rng: Random) -> World:
    """Return a world of two to five subgraphs; composition has the last word on it."""
    maker = Maker(rng)
    base.entities(maker)
    base.values(maker)
    base.plain_fields(maker)
    abstracts.abstracts(maker)
    base.links(maker)
    early, late = FEATURES
    for feature, probability in early:
        if maker.chance(probability):
            feature(maker)
    base.roots(maker)
    for feature, probability in late:
        if maker.chance(probability):
            feature(maker)
    return maker.finish()
