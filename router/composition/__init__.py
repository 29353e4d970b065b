"""Composition: the schemas of many subgraphs into one supergraph, or every reason why not.

>>> from router.composition import SubgraphSource, compose
>>> compose([SubgraphSource("wards", "http://wards", "type Query { beds: Int }")]).hints
()
"""

from __future__ import annotations

from router.composition.compose import Composition, compose
from router.composition.errors import CompositionError, CompositionFailed
from router.composition.hints import Hint, HintLevel
from router.composition.sources import SubgraphSource

__all__ = [
    "Composition",
    "CompositionError",
    "CompositionFailed",
    "Hint",
    "HintLevel",
    "SubgraphSource",
    "compose",
]
