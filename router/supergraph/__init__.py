"""The read model of a supergraph: what every other part of the router starts from.

``model`` loads an SDL into a :class:`Supergraph`. ``features`` says which specs it links to,
``reader`` turns join directives into ``views`` (types as each subgraph sees them), ``legacy``
completes those of Federation 1 supergraphs, ``api`` derives the schema that clients see,
``fieldset`` parses the selections of ``@key``, ``@requires`` and ``@provides``.
"""

from __future__ import annotations

from router.supergraph.fieldset import FieldSet, SetField, SetFragment
from router.supergraph.model import Supergraph
from router.supergraph.views import (
    ContextSource,
    FieldView,
    KeyView,
    SubgraphView,
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
