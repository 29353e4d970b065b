"""How messages name subgraphs and list what differs between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["differences", "in_subgraphs", "joined", "subgraph_names", "tellers"]

_LONG_LIST = 100


def subgraph_names(names: Iterable[str], *, limit: int = _LONG_LIST) -> str:
    """Return ``subgraph "a"`` or ``subgraphs "a", "b" and "c"``, cut when it grows too long."""
    quoted = [f'"{name}"' for name in names]
    noun = "subgraph" if len(quoted) == 1 else "subgraphs"
    if sum(map(len, quoted)) <= limit:
        return f"{noun} {joined(quoted)}"
    shown: list[str] = []
    for name in quoted:
        if shown and sum(map(len, shown)) + len(name) > limit:
            break
        shown.append(name)
    return f"{noun} {', '.join(shown)}, ..."


def in_subgraphs(names: Iterable[str]) -> str:
    """Return ``in subgraphs "a" and "b"``."""
    return f"in {subgraph_names(names)}"


def joined(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def differences(what: Mapping[str, Sequence[str]]) -> str:
    """Return ``X in subgraph "a" but Y in subgraphs "b" and "c"``.

    ``what`` maps a description to the names of the subgraphs it is true of.
    """
    return " but ".join(f"{each} {in_subgraphs(names)}" for each, names in what.items())


def tellers(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Group what subgraphs say, given as pairs with their names, as :func:`differences` wants it."""
    grouped: dict[str, list[str]] = {}
    for what, name in said:
        grouped.setdefault(what, []).append(name)
    return grouped
