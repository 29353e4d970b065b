"""Subgraphs with one oddity each, by seed: what no other draw makes.

The other draws are schemas as people have them, whole or damaged. These are small schemas around
single points of the specifications, at which everything that can be written is: directives older
and newer than the version that is linked, links in every form, selections of every form, sizes and
labels that are none. A theme is such a point: templates of its subgraphs (``odd/template.py``).
"""

from __future__ import annotations

from random import Random

from router.composition.sources import SubgraphSource
from tests.router.composition.odd import elements, fields, links, merging
from tests.router.composition.odd.template import Expansion

__all__ = ["odd_subgraphs"]

THEMES = links.THEMES | elements.THEMES | fields.THEMES | merging.THEMES


def odd_subgraphs(seed: int, theme: str | None = None) -> list[SubgraphSource]:
    """Return one to three subgraphs, of a theme or of any."""
    random = Random(seed)
    drawn = THEMES[theme or random.choice(sorted(THEMES))]
    expansion = Expansion(random, drawn.pools)
    templates = drawn.subgraphs[: random.choice(drawn.counts)]
    return [
        SubgraphSource(name, f"http://{name}", expansion.text(template.replace("<name>", name)))
        for name, template in zip("abc", templates, strict=False)
    ]
