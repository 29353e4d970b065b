"""One description out of many: the most frequent wins."""

from __future__ import annotations

from collections.abc import Iterable

from router.composition.merge.state import Findings, Source
from router.composition.merge.wording import in_subgraphs
from router.composition.model import DirectiveDefinition, Element

__all__ = ["merge_description"]


def merge_description(
    findings: Findings,
    sources: Iterable[Source[Element | DirectiveDefinition]],
    named: str,
    coordinate: str | None,
) -> str | None:
    """Return the most frequent text that is not empty (the first of equals).

    Without one: "" where some subgraph says that, else None. ``named`` is how the hint calls the
    element.
    """
    tellers: dict[str, list[str]] = {}
    without: str | None = None
    for subgraph, element in sources:
        if element.description:
            tellers.setdefault(element.description, []).append(subgraph.name)
        elif element.description is not None:
            without = ""
    if not tellers:
        return without
    winner = max(tellers, key=lambda text: len(tellers[text]))
    if len(tellers) > 1:
        others = [name for text, names in tellers.items() if text != winner for name in names]
        findings.hint(
            "INCONSISTENT_DESCRIPTION",
            f"The description of {named} is not the same in all subgraphs: that "
            f"{in_subgraphs(tellers[winner])} is kept, that {in_subgraphs(others)} is not.",
            coordinate,
        )
    return winner
