"""Templates of schemas, in which chance decides what stands in angle brackets.

    <a|b|c>    one of them
    <20%a>     a, in a fifth of all cases
    <:pool>    one of a pool's entries, which are templates too
    <=pool>    the same, but one and the same wherever it stands in a draw

``<name>`` is the name of the subgraph. Brackets may stand in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct, field

__all__ = ["Expansion", "Theme", "any_of"]

Pools = Mapping[str, Sequence[str]]

SINCE: Final = {
    "key": 0, "requires": 0, "provides": 0, "external": 0, "tag": 0, "extends": 0, "shareable": 0,
    "inaccessible": 0, "override": 0, "composeDirective": 1, "interfaceObject": 3,
    "authenticated": 5, "requiresScopes": 5, "policy": 6, "context": 8, "fromContext": 8,
    "cost": 9, "listSize": 9, "cacheTag": 12,
}  # fmt: skip
_CHANCE: Final = re.compile(r"(\d+)%(.*)", re.DOTALL)


def any_of(template: str, *variants: Mapping[str, str]) -> str:
    """Return a template that becomes one of its variants, in which words are replaced."""
    texts = []
    for words in variants:
        text = template
        for word, replacement in words.items():
            text = text.replace(word, replacement)
        texts.append(text)
    return f"<{'|'.join(texts)}>"


class Theme(Struct, frozen=True):
    """One point of the specifications: a template for each subgraph, and how many there are."""

    subgraphs: tuple[str, ...]
    counts: tuple[int, ...] = (1,)
    pools: Pools = field(default_factory=dict)


def _link(minor: int) -> str:
    names = ", ".join(f'"@{name}"' for name, since in SINCE.items() if since <= minor)
    url = f"https://specs.apollo.dev/federation/v2.{minor}"
    return f'extend schema @link(url: "{url}", import: [{names}])\n'


LINKS: Final = {f"fed{minor}": (_link(minor),) for minor in range(15)} | {"fed": (_link(14),)}
"""Pools that every theme has: links that import all that a version has."""


class Expansion:
    """The choices of one draw."""

    def __init__(self, random: Random, pools: Pools) -> None:
        self._random = random
        self._pools = {**LINKS, **pools}
        self._kept: dict[str, str] = {}

    def text(self, template: str) -> str:
        """Return a template with every choice made."""
        parts = _parts(template)
        return "".join(self._chosen(part[1:-1]) if part[0] == "<" else part for part in parts)

    def _chosen(self, inside: str) -> str:
        if inside[0] == "=":
            if inside not in self._kept:
                self._kept[inside] = self._of(inside[1:])
            return self._kept[inside]
        if inside[0] == ":":
            return self._of(inside[1:])
        if chance := _CHANCE.fullmatch(inside):
            is_there = self._random.random() * 100 < int(chance[1])
            return self.text(chance[2]) if is_there else ""
        return self.text(self._random.choice(list(_alternatives(inside))))

    def _of(self, pool: str) -> str:
        return self.text(self._random.choice(self._pools[pool]))


def _parts(template: str) -> Iterator[str]:
    """Yield plain pieces, and pieces in outermost brackets."""
    depth = start = 0
    for index, character in enumerate(template):
        if character == "<":
            if depth == 0 and start < index:
                yield template[start:index]
            start = index if depth == 0 else start
            depth += 1
        elif character == ">":
            depth -= 1
            if depth == 0:
                yield template[start : index + 1]
                start = index + 1
    if start < len(template):
        yield template[start:]


def _alternatives(inside: str) -> Iterator[str]:
    """Yield what bars separate that are in no inner brackets."""
    depth = start = 0
    for index, character in enumerate(inside):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield inside[start:index]
            start = index + 1
    yield inside[start:]
