"""Directives that travel inside ``@join__directive``: ``@cacheTag``, from every declaration."""

from __future__ import annotations

from collections.abc import Iterable

from router.composition.merge.state import Merge, Source
from router.composition.merge.values import read_value
from router.composition.merged import Application, Value
from router.composition.model import Element, Named

__all__ = ["carried_directives"]


def carried_directives(merge: Merge, sources: Iterable[Source[Element]]) -> list[Application]:
    """Return one ``@join__directive`` for each distinct ``@cacheTag``, naming all its graphs."""
    graphs: dict[str, list[Value]] = {}
    for subgraph, element in sources:
        for applied in element.applications("cacheTag") if element.directives else ():
            written = applied.arguments.get("format")
            if written is None:
                continue
            text = read_value(written, Named("String"), subgraph.types)
            graph = merge.graph(subgraph)
            listed = graphs.setdefault(str(text), [])
            if graph not in listed:
                listed.append(graph)
    return [
        Application(
            "join__directive",
            {"graphs": listed, "name": "federation__cacheTag", "args": {"format": text}},
        )
        for text, listed in graphs.items()
    ]
