"""The read model of a supergraph: what every other part of the router starts from.

``reader`` turns join directives into :class:`Supergraph`, ``legacy`` reads Federation 1
supergraphs, ``api`` derives the schema that clients see, ``fieldset`` parses the selections of
``@key``, ``@requires`` and ``@provides``.
"""

from __future__ import annotations

from router.supergraph.fieldset import FieldSet, SetField, SetFragment
from router.supergraph.model import (
    ContextSource,
    FieldView,
    KeyView,
    SubgraphView,
    Supergraph,
    TypeKind,
    TypeRef,
    TypeView,
)

__all__ = [
    "ContextSource",
    "FieldSet",
    "FieldView",
    "KeyView",
    "SetField",
    "SetFragment",
    "SubgraphView",
    "Supergraph",
    "TypeKind",
    "TypeRef",
    "TypeView",
]
