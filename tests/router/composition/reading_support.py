"""What the tests of reading share: subgraphs in a line, and the codes of what is wrong."""

from __future__ import annotations

from router.composition.errors import CompositionFailed
from router.composition.model import Subgraph
from router.composition.sources import SubgraphSource
from router.composition.subgraph import read_subgraphs

__all__ = ["FED2", "codes", "fed2", "link", "read", "refusals"]

DIRECTIVES = {
    0: "key requires provides external tag extends shareable inaccessible override",
    1: "composeDirective",
    3: "interfaceObject",
    5: "authenticated requiresScopes",
    6: "policy",
    8: "context fromContext",
    9: "cost listSize",
    12: "cacheTag",
}


def link(minor: int = 14) -> str:
    """A link to federation 2.``minor`` that imports every directive it has."""
    names = " ".join(names for since, names in DIRECTIVES.items() if since <= minor).split()
    imports = ", ".join(f'"@{name}"' for name in names)
    return (
        f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.{minor}", '
        f"import: [{imports}])\n"
    )


FED2 = link()


def fed2(sdl: str, minor: int = 14) -> str:
    """A federation 2 schema with everything imported."""
    return link(minor) + sdl


def read(*sdls: str) -> list[Subgraph]:
    """Read subgraphs named a, b, c ..."""
    return read_subgraphs(
        SubgraphSource(name, f"http://{name}", sdl)
        for name, sdl in zip("abcdefgh", sdls, strict=False)
    )


def refusals(*sdls: str) -> list[tuple[str, str]]:
    """The codes and messages of what is wrong; nothing when all can be read."""
    try:
        read(*sdls)
    except CompositionFailed as failed:
        return [(error.code, error.message) for error in failed.errors]
    return []


def codes(*sdls: str) -> list[str]:
    """The codes of what is wrong, sorted."""
    return sorted(code for code, _ in refusals(*sdls))
