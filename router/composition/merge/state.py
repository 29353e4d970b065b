"""What every step of the merge works on: the subgraphs, the schema so far, the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct, field

from router.composition.errors import CompositionError
from router.composition.hints import Hint
from router.composition.merge.graph_names import graph_names
from router.composition.merged import EnumLiteral, MergedSchema
from router.composition.model import (
    CompositeType,
    FieldDefinition,
    ObjectType,
    Subgraph,
    TypeDefinition,
)

__all__ = ["EnumUsage", "Findings", "Merge", "Source"]

E = TypeVar("E", covariant=True)


class Source(NamedTuple, Generic[E]):
    """An element as one subgraph declares it."""

    subgraph: Subgraph
    element: E

    @property
    def name(self) -> str:
        """The subgraph's name."""
        return self.subgraph.name


class Findings(Struct):
    """Errors and hints, in the order found."""

    errors: list[CompositionError] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)

    def error(self, code: str, message: str, subgraphs: Iterable[str], *coordinates: str) -> None:
        """Note an error that concerns several subgraphs, named in its message."""
        self.errors.append(CompositionError(code, message, tuple(subgraphs), coordinates))

    def error_in(self, subgraph: str, code: str, message: str, *coordinates: str) -> None:
        """Note an error of one subgraph."""
        self.errors.append(CompositionError.in_subgraph(subgraph, code, message, *coordinates))

    def hint(self, code: str, message: str, coordinate: str | None = None) -> None:
        """Note a hint."""
        self.hints.append(Hint(code, message, coordinate))


class EnumUsage(Struct):
    """One coordinate at which an enum is read, and one at which it is written."""

    output: str | None = None
    input: str | None = None


class Merge(Struct):
    """One run of the merge.

    ``subgraphs`` are sorted by name (UTF-16 code units). ``sources`` holds, for each merged type,
    the subgraphs' versions of its kind (interface objects count as interfaces).
    """

    subgraphs: tuple[Subgraph, ...]
    graphs: dict[str, str]
    schema: MergedSchema = field(default_factory=MergedSchema)
    findings: Findings = field(default_factory=Findings)
    sources: dict[str, list[Source[TypeDefinition]]] = field(default_factory=dict)
    enum_usages: dict[str, EnumUsage] = field(default_factory=dict)
    root_names: frozenset[str] = frozenset()
    feature_aliases: set[str] = field(default_factory=set)
    """What the supergraph's links are called: types named ``alias__X`` are theirs."""

    @classmethod
    def of(cls, subgraphs: Iterable[Subgraph]) -> Merge:
        """Return a new run over subgraphs in the order of their names."""
        ordered = tuple(subgraphs)
        roots = frozenset(root for each in ordered for root in each.schema.roots.values())
        names = graph_names([each.name for each in ordered])
        return cls(ordered, names, root_names=roots | {"Query"})

    def graph(self, subgraph: Subgraph) -> EnumLiteral:
        """Return the ``join__Graph`` value of a subgraph."""
        return EnumLiteral(self.graphs[subgraph.name])

    def enum_usage(self, type_name: str) -> EnumUsage:
        """Return the record of how an enum is used, to read or to fill."""
        return self.enum_usages.setdefault(type_name, EnumUsage())

    def composite_sources(self, type_name: str) -> list[Source[CompositeType]]:
        """Return a type's versions that have fields."""
        return [
            Source(subgraph, found)
            for subgraph, found in self.sources.get(type_name, ())
            if isinstance(found, CompositeType)
        ]

    def stand_ins(
        self, interfaces: Sequence[str], type_name: str, field_name: str
    ) -> Iterator[Source[FieldDefinition]]:
        """Yield a field as interface objects declare it for a type that their subgraphs lack."""
        for subgraph in self.subgraphs:
            if type_name in subgraph.types:
                continue
            for interface in interfaces:
                found = subgraph.types.get(interface)
                if (
                    isinstance(found, ObjectType)
                    and field_name in found.fields
                    and subgraph.is_interface_object(interface)
                ):
                    yield Source(subgraph, found.fields[field_name])
