"""The keys of entities: by one name, by several, through values and entities, in lists."""

from __future__ import annotations

from ..maker import Maker
from ..world import Field, Ref

__all__ = ["Keys", "chains", "draw", "enter"]

Keys = list[tuple[str, bool]]
"""Field sets, and whether a subgraph can be entered by them."""

REQUIRED = (True,)

_FIELDS = {
    "id": Ref("ID", REQUIRED),
    "code": Ref("String", REQUIRED),
    "sku": Ref("String", REQUIRED),
    "region": Ref("String", REQUIRED),
    "org": Ref("Org", REQUIRED),
    "parts": Ref("Part", (True, True)),
    "rows": Ref("Part", (True, True, True)),
}
_KEYS: list[Keys] = [
    [("id", True)],
    [("id", True), ("code", True)],
    [("code", True)],
    [("code region", True)],
    [("id", True), ("code region", True)],
    [("id", False)],
    [("id", False), ("code", True)],
    [("org { ref }", True)],
    [("region org { ref }", True), ("id", True)],
    [("parts { ref }", True), ("code", True)],
    [("parts { ref } region", True)],
]
_LINKS = [
    "id",
    "sku",
    "code",
    "code region",
    "org { ref }",
    "sku org { ref }",
    "region parts { ref }",
    "rows { ref }",
]


def draw(maker: Maker) -> Keys:
    """Return the keys of one subgraph."""
    if maker.simple:
        return maker.rng.choice([_KEYS[0]] * 4 + [_KEYS[1], _KEYS[4], _KEYS[8]])
    return maker.rng.choice(_KEYS) if maker.chance(0.6) else _KEYS[0]


def enter(maker: Maker, subgraph: str, name: str, keys: Keys, *, optional: bool = False) -> None:
    """Let a subgraph have an entity with these keys; ``optional``: its code may be null."""
    declared = maker.type(subgraph, name)
    for fields, resolvable in keys:
        if resolvable:
            declared.add("key", fields=fields)
        else:
            declared.add("key", fields=fields, resolvable=False)
        for word in fields.replace("{ ref }", "").split():
            ref = Ref("String") if optional and word == "code" else _FIELDS[word]
            declared.fields.setdefault(word, Field(word, ref))
            if ref.named in {"Org", "Part"}:
                value = maker.type(subgraph, ref.named)
                value.fields.setdefault("ref", Field("ref", Ref("ID", REQUIRED)))


def chains(maker: Maker) -> None:
    """An entity of which each subgraph knows two keys, the second one that of the next."""
    name = f"K{len(maker.objects())}"
    links = maker.rng.sample(_LINKS, len(_LINKS))
    optional = maker.chance(0.15)
    subgraphs = maker.rng.sample(maker.subgraphs, len(maker.subgraphs))
    for number, subgraph in enumerate(subgraphs):
        both = [(links[number], True), (links[number + 1], maker.chance(0.8))]
        maker.rng.shuffle(both)
        enter(maker, subgraph, name, both, optional=optional)
        field = Field(maker.fresh("own"), maker.scalar(), maker.args(0.1))
        maker.declare(subgraph, name, field)
