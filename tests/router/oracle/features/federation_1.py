"""Subgraphs without a link: everything can be shared, and extensions have external keys."""

from __future__ import annotations

import re

from ..maker import Maker
from ..world import Type

__all__ = ["federation_1"]

_KNOWN = {"key", "external", "requires", "provides", "shareable"}


def federation_1(maker: Maker) -> None:
    """Let the subgraphs that need nothing newer be of Federation 1."""
    for subgraph, schema in maker.world.schemas.items():
        if all(_possible(each) for each in schema.values()) and maker.chance(0.6):
            maker.world.fed1.add(subgraph)
            for each in schema.values():
                _extend(maker, subgraph, each)


def _possible(declared: Type) -> bool:
    text = declared.print()
    names = set(re.findall(r"@(\w+)", text))
    return (
        names <= _KNOWN
        and "resolvable" not in text
        and not (declared.kind == "interface" and declared.keys)
    )


def _extend(maker: Maker, subgraph: str, declared: Type) -> None:
    """Make an entity an extension, where another subgraph of the world has its definition."""
    others = [
        each
        for other, each in maker.world.declarations(declared.name)
        if other != subgraph and not each.extend
    ]
    if declared.kind != "type" or not declared.keys or not others or not maker.chance(0.6):
        return
    names = {
        word for key in declared.keys for word in re.sub(r"\{.*?\}", "", key.get("fields")).split()
    }
    elsewhere = {
        field.name for each in others for field in each.fields.values() if not field.has("external")
    }
    if not names <= elsewhere:
        return
    declared.extend = True
    for name in names:
        declared.fields[name].add("external")
