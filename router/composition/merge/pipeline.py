"""The merge from end to end, in the order in which its findings are reported.

links and @composeDirective   (problems here are reported alone)
types, one kind after another, and executable directives
directives applied to them; fields that interface objects add
what can only be checked on the whole
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from router.composition import model
from router.composition.errors import CompositionFailed
from router.composition.hints import Hint
from router.composition.links import Version
from router.composition.merge.applied import AppliedMerger
from router.composition.merge.auth import AuthTravel
from router.composition.merge.composed import define_composed, find_composed
from router.composition.merge.composites import merge_interface, merge_object
from router.composition.merge.executable import (
    create_executable_directives,
    merge_executable_directives,
)
from router.composition.merge.features import add_links, find_features
from router.composition.merge.inputs import merge_input_object
from router.composition.merge.interface_objects import (
    add_interface_object_fields,
    check_implementations,
)
from router.composition.merge.join import add_machinery, graph_values, join_version
from router.composition.merge.leaves import merge_enum, merge_union
from router.composition.merge.requirements import (
    check_auth_requirements,
    check_required_arguments,
)
from router.composition.merge.roots import check_query_root, merge_schema_definition
from router.composition.merge.state import Merge, Source
from router.composition.merge.types import create_types, merge_implements, merge_type_itself
from router.composition.merge.validity import check_graphql
from router.composition.merged import (
    EnumType,
    InputType,
    InterfaceType,
    MergedSchema,
    NamedType,
    ObjectType,
    ScalarType,
    UnionType,
)

__all__ = ["merge"]

T = TypeVar("T", bound=NamedType)


def merge(subgraphs: Iterable[model.Subgraph]) -> tuple[MergedSchema, list[Hint]]:
    """Return the merged schema and its hints; the subgraphs come in the order of their names.

    Raises :class:`~router.composition.errors.CompositionFailed` with everything found at the
    first stage that found something.
    """
    run = Merge.of(subgraphs)
    _hint_upgrades(run)
    applied = _start(run)
    _merge_everything(run, applied)
    _settle(run)
    _check_the_whole(run, applied)
    _settle(run)
    check_graphql(run.schema, run.findings, applied.features.composed)
    _settle(run)
    return run.schema, run.findings.hints


def _settle(run: Merge) -> None:
    if run.findings.errors:
        raise CompositionFailed(run.findings.errors)


def _hint_upgrades(run: Merge) -> None:
    for subgraph in run.subgraphs:
        upgrade = subgraph.implicit_upgrade
        if upgrade is not None:
            run.findings.hint(
                "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
                f'Subgraph "{subgraph.name}" links federation {upgrade.linked}, but '
                f"{upgrade.feature.url} needs {upgrade.effective}, which is assumed.",
                "@link",
            )


def _start(run: Merge) -> AppliedMerger:
    """Find which directives are merged and write the header of the supergraph."""
    version = max((each.federation_version for each in run.subgraphs), default=Version(2, 0))
    add_machinery(run.schema, join_version(version))
    features = find_features(run)
    composed = find_composed(run, features)
    _settle(run)
    graphs = graph_values((run.graphs[s.name], s.name, s.url) for s in run.subgraphs)
    run.schema.types[graphs.name] = graphs
    run.schema.feature_types.add(graphs.name)
    add_links(run, features, [(each.url, each.name, each.imports) for each in composed])
    applied = AppliedMerger(run, features)
    define_composed(run, applied, composed)
    run.schema.inaccessible = features.names.get("inaccessible")
    return applied


def _merge_everything(run: Merge, applied: AppliedMerger) -> None:
    """Merge all types and directives; the order is that of the findings."""
    auth = AuthTravel(run)
    create_types(run)
    executable = create_executable_directives(run)
    for obj in _of(run, ObjectType):
        merge_implements(run, obj)
    for interface in _of(run, InterfaceType):
        merge_implements(run, interface)
    for union in _of(run, UnionType):
        merge_union(run, applied, union)
    merge_schema_definition(run, applied)
    for scalar in _of(run, ScalarType):
        merge_type_itself(run, applied, scalar)
    for entry in _of(run, InputType):
        sources = [
            Source(subgraph, declared)
            for subgraph, declared in run.sources[entry.name]
            if isinstance(declared, model.InputObjectType)
        ]
        merge_type_itself(run, applied, entry)
        merge_input_object(run, applied, entry, sources)
    for interface in _of(run, InterfaceType):
        merge_interface(run, applied, auth, interface)
    for obj in _of(run, ObjectType):
        merge_object(run, applied, auth, obj)
    merge_executable_directives(run, applied, executable)
    for enum in _of(run, EnumType):
        merge_enum(run, applied, enum)
    check_query_root(run)
    applied.merge_noted()
    add_interface_object_fields(run, applied)


def _check_the_whole(run: Merge, applied: AppliedMerger) -> None:
    check_implementations(run)
    check_required_arguments(run)
    check_auth_requirements(run, applied.features)


def _of(run: Merge, kind: type[T]) -> Iterator[T]:
    """Yield the merged types of a kind, machinery aside, in the order of creation."""
    for merged in list(run.schema.types.values()):
        if isinstance(merged, kind) and merged.name in run.sources:
            yield merged
