"""The schema definition: which root types there are."""

from __future__ import annotations

from router.composition.merge.applied import AppliedMerger
from router.composition.merge.descriptions import merge_description
from router.composition.merge.state import Merge, Source
from router.composition.merged import MergedSchema
from router.composition.model import ROOT_KINDS

__all__ = ["check_query_root", "merge_schema_definition"]


class _SchemaElement:
    """The schema as a target of directives: they come after its links."""

    def __init__(self, schema: MergedSchema) -> None:
        self.directives = schema.applications


def merge_schema_definition(merge: Merge, applied: AppliedMerger) -> None:
    """Unite the roots and merge what is said about the schema itself."""
    sources = [Source(subgraph, subgraph.schema) for subgraph in merge.subgraphs]
    schema = merge.schema
    schema.description = merge_description(merge.findings, sources, "the schema", None)
    for kind in ROOT_KINDS:
        for subgraph in merge.subgraphs:
            name = subgraph.schema.roots.get(kind)
            if name is not None and name in schema.types:
                schema.roots[kind] = name
                break
    applied.note(_SchemaElement(schema), sources, "the schema", None)


def check_query_root(merge: Merge) -> None:
    """Refuse a supergraph that cannot be queried."""
    if "query" not in merge.schema.roots:
        merge.findings.error(
            "NO_QUERIES",
            "No queries found in any subgraph: a supergraph must have a query root type.",
            [subgraph.name for subgraph in merge.subgraphs],
        )
