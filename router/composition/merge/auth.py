"""Access requirements travel: what protects an object protects the interfaces it is seen through.

An object's requirements apply to the interfaces it implements, a field's to the same field of
those interfaces, an interface object's field to that field of every implementation.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from router.composition.merge.applied import AuthSources
from router.composition.merge.state import Merge, Source
from router.composition.merged import InterfaceType, ObjectType
from router.composition.model import Element, FieldDefinition

__all__ = ["AuthTravel"]


class AuthTravel(Struct, frozen=True):
    """Finds the elements whose requirements apply to an element too; asked after all is merged."""

    merge: Merge

    def to_interface(self, interface: InterfaceType) -> AuthSources:
        """What protects the implementations."""

        def sources() -> Iterator[Source[Element]]:
            for implementation in self.merge.schema.implementations(interface.name):
                yield from self.merge.composite_sources(implementation.name)

        return sources

    def to_object_field(self, owner: ObjectType, name: str) -> AuthSources:
        """What protects the field in interface objects of the owner's interfaces."""
        return lambda: self._through_interface_objects(owner, name)

    def to_interface_field(self, interface: InterfaceType, name: str) -> AuthSources:
        """What protects the field of the implementations."""

        def sources() -> Iterator[Source[Element]]:
            own = {id(element) for _, element in self._declared(interface.name, name)}
            for implementation in self.merge.schema.implementations(interface.name):
                yield from self._declared(implementation.name, name)
                for source in self._through_interface_objects(implementation, name):
                    if id(source.element) not in own:
                        yield source

        return sources

    def _declared(self, type_name: str, name: str) -> Iterator[Source[FieldDefinition]]:
        for subgraph, declared in self.merge.composite_sources(type_name):
            field = declared.fields.get(name)
            if field is not None and not subgraph.is_external(field):
                yield Source(subgraph, field)

    def _through_interface_objects(
        self, owner: ObjectType, name: str
    ) -> Iterator[Source[FieldDefinition]]:
        for interface in owner.interfaces:
            for subgraph, declared in self.merge.composite_sources(interface):
                if not subgraph.is_interface_object(declared.name):
                    continue
                field = declared.fields.get(name)
                if field is not None and not subgraph.is_external(field):
                    yield Source(subgraph, field)
