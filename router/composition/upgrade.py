"""Federation 1 subgraphs become federation 2 ones, which say the same more strictly.

A federation 1 schema leaves much unsaid: extensions are owned elsewhere, value types may be
shared by anyone, ``@external`` is scattered where it does nothing. The upgrade looks at the
other subgraphs and writes down what was meant; what cannot be meant is refused. Federation 2
subgraphs are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from graphql import EnumValueNode, ListValueNode, StringValueNode
from msgspec import Struct

from router.composition.errors import CompositionError, CompositionFailed
from router.composition.facts import Coordinate, derive, field_set_of, seal
from router.composition.fieldsets import SelectedField, SelectedFragment, Selection
from router.composition.linking import check_names
from router.composition.links import FEDERATION, Feature, Links, Version
from router.composition.model import (
    Applied,
    CompositeType,
    Element,
    FieldDefinition,
    FieldFacts,
    InterfaceType,
    Key,
    ObjectType,
    Subgraph,
    UnionType,
    base_name,
)
from router.composition.parsed import ParsedSubgraph, elements_of
from router.composition.problems import Problems, SubgraphRefused
from router.composition.selections import first_problem
from router.composition.spec_elements import add_spec_elements, known_directives, raise_version
from router.composition.specs import FEDERATION_1, federation_imports
from router.composition.validation import check_federation, check_graphql

__all__ = ["UPGRADED_VERSION", "upgrade"]

UPGRADED_VERSION: Final = Version(2, 4)
_ROOTS: Final = ("Query", "Mutation", "Subscription")


def upgrade(subgraphs: Sequence[Subgraph | ParsedSubgraph]) -> list[Subgraph]:
    """Return every subgraph finished: those not yet finished are federation 1 and upgraded.

    Raises :class:`~router.composition.errors.CompositionFailed` with everything that cannot be
    upgraded.
    """
    for subgraph in subgraphs:
        if isinstance(subgraph, ParsedSubgraph):
            _write_field_sets_as_strings(subgraph)
    outlooks = {subgraph.name: _outlook(subgraph) for subgraph in subgraphs}
    errors: list[CompositionError] = []
    finished: list[Subgraph] = []
    for subgraph in subgraphs:
        if isinstance(subgraph, Subgraph):
            finished.append(subgraph)
            continue
        others = [outlook for name, outlook in outlooks.items() if name != subgraph.name]
        try:
            finished.append(_Upgrade(subgraph, others).run())
        except SubgraphRefused as refused:
            errors += refused.errors
    if not errors:
        errors += _interface_objects_of_federation_1(subgraphs, outlooks)
    if errors:
        raise CompositionFailed(errors)
    return finished


def _write_field_sets_as_strings(subgraph: ParsedSubgraph) -> None:
    for place in elements_of(subgraph.schema, subgraph.types):
        for applied in place.element.directives:
            if applied.canonical not in ("key", "requires", "provides"):
                continue
            text = _as_text(applied.arguments.get("fields"))
            if text is not None:
                applied.arguments["fields"] = StringValueNode(value=text)


# -- what the others say, before anything changes ------------------------------------------


class _Outlook(Struct, frozen=True):
    """What an upgrade asks about another subgraph."""

    is_fed2: bool
    composites: frozenset[str]
    defined: frozenset[str]
    resolved: frozenset[tuple[str, str]]
    first_keys: dict[str, frozenset[str]]
    tags: frozenset[tuple[str, str, str]]
    interface_keys: frozenset[str]


def _outlook(subgraph: Subgraph | ParsedSubgraph) -> _Outlook:
    keys: dict[str, Sequence[Key]]
    facts: FieldFacts
    if isinstance(subgraph, Subgraph):
        keys, facts = dict(subgraph.keys), subgraph.facts
    else:
        derived, facts = derive(subgraph)
        keys = dict(derived)
    composites = [found for found in subgraph.types.values() if isinstance(found, CompositeType)]
    resolved: set[tuple[str, str]] = set()
    tags: set[tuple[str, str, str]] = set()
    for found in composites:
        for field in found.fields.values():
            at = (found.name, field.name)
            if at not in facts.external or at in facts.provided:
                resolved.add(at)
            if at not in facts.external:
                tags.update((*at, _tag_name(applied)) for applied in field.applications("tag"))
    return _Outlook(
        is_fed2=subgraph.is_fed2,
        composites=frozenset(found.name for found in composites),
        defined=frozenset(found.name for found in composites if found.has_definition),
        resolved=frozenset(resolved),
        first_keys={name: _top_fields(given[0].selection) for name, given in keys.items()},
        tags=frozenset(tags),
        interface_keys=frozenset(
            found.name
            for found in composites
            if isinstance(found, InterfaceType) and found.is_applied("key")
        ),
    )


def _is_extension(found: CompositeType) -> bool:
    """A federation 1 extension: only ``extend`` pieces, or marked ``@extends``."""
    return not found.has_definition or found.is_applied("extends")


def _top_fields(selection: Selection) -> frozenset[str]:
    names: set[str] = set()
    for item in selection.items:
        match item:
            case SelectedField():
                names.add(item.name)
            case SelectedFragment():
                names |= _top_fields(item.selection)
    return frozenset(names)


def _tag_name(applied: Applied) -> str:
    value = applied.arguments.get("name")
    return value.value if isinstance(value, StringValueNode) else ""


def _interface_objects_of_federation_1(
    subgraphs: Sequence[Subgraph | ParsedSubgraph], outlooks: dict[str, _Outlook]
) -> Iterator[CompositionError]:
    """An interface object needs an interface key elsewhere, which federation 1 does not have."""
    standing: dict[str, list[str]] = {}
    for subgraph in subgraphs:
        if isinstance(subgraph, Subgraph):
            for name in filter(subgraph.is_interface_object, subgraph.types):
                standing.setdefault(name, []).append(subgraph.name)
    for name, users in standing.items():
        owners = [
            other
            for other, outlook in outlooks.items()
            if not outlook.is_fed2 and name in outlook.interface_keys
        ]
        if owners:
            yield CompositionError(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'The @interfaceObject "{name}" of {", ".join(users)} needs the interface of '
                f"{', '.join(owners)}, which are federation 1 schemas: please upgrade them to "
                "federation 2.",
                (*users, *owners),
                (name,),
            )


# -- one subgraph --------------------------------------------------------------------------


class _Upgrade:
    """The upgrade of one subgraph, step by step; the order of the steps matters."""

    def __init__(self, subgraph: ParsedSubgraph, others: Sequence[_Outlook]) -> None:
        self.subgraph = subgraph
        self.types = subgraph.types
        self.others = others
        self.problems = Problems(subgraph.name)

    def run(self) -> Subgraph:
        for step in _STEPS:
            step(self)
        self.problems.settle()
        self._link_federation_2()
        check_graphql(self.subgraph, self.problems)
        finished = seal(self.subgraph)
        check_federation(finished, self.problems)
        return finished

    # extensions need an owner ---------------------------------------------------------------

    def refuse_baseless_extensions(self) -> None:
        for found in self._composites():
            if found.name in _ROOTS or not _is_extension(found):
                continue
            if not any(found.name in other.defined for other in self.others):
                self.problems.add(
                    "EXTENSION_WITH_NO_BASE",
                    f'Type "{found.name}" is an extension type, but there is no type definition '
                    f'for "{found.name}" in any subgraph.',
                    found.name,
                )

    # @external that means nothing -----------------------------------------------------------

    def drop_external_on_interfaces_and_types(self) -> None:
        for found in self._composites():
            _drop(found, "external")
            if isinstance(found, InterfaceType):
                for field in found.fields.values():
                    _drop(field, "external")

    def drop_external_on_extension_keys(self) -> None:
        keys, _ = derive(self.subgraph)
        for found in self._composites():
            is_root_extension = found.name in _ROOTS and found.extensions > 0
            if not (_is_extension(found) or is_root_extension):
                continue
            own = keys.get(found.name)
            if own:
                names = frozenset[str]().union(*(_top_fields(key.selection) for key in own))
            else:
                names = frozenset[str]().union(
                    *(other.first_keys.get(found.name, frozenset()) for other in self.others)
                )
            for name in names & found.fields.keys():
                _drop(found.fields[name], "external")

    # field sets of what is resolved here anyway ---------------------------------------------

    def prune_field_sets(self) -> None:
        _, facts = derive(self.subgraph)
        external = facts.external | facts.fake_external  # as they are written
        for field in self._fields():
            kept = []
            for applied in field.directives:
                if applied.canonical in ("requires", "provides"):
                    parent = (
                        field.parent if applied.canonical == "requires" else base_name(field.type)
                    )
                    if not self._prune(applied, parent, external):
                        continue
                kept.append(applied)
            field.directives = kept

    def _prune(self, applied: Applied, parent: str, external: frozenset[Coordinate]) -> bool:
        """Keep only external selections; tell whether anything is left."""
        parsed = field_set_of(applied)
        if parsed is None or first_problem(parsed[1], parent, self.types, self.subgraph.directives):
            return True  # reported by validation
        pruned = self._external_part(parsed[1], parent, external)
        if pruned is None:
            return False
        if str(pruned) != str(parsed[1]):
            applied.arguments["fields"] = StringValueNode(value=str(pruned))
        return True

    def _external_part(
        self, selection: Selection, parent: str, external: frozenset[Coordinate]
    ) -> Selection | None:
        found = self.types.get(parent)
        kept: list[SelectedField | SelectedFragment] = []
        for item in selection.items:
            if isinstance(item, SelectedFragment):
                nested = self._external_part(item.selection, item.on_type or parent, external)
                if nested is not None:
                    kept.append(SelectedFragment(item.on_type, nested, item.directives))
                continue
            field = found.fields.get(item.name) if isinstance(found, CompositeType) else None
            if field is not None and self._is_external(field, external):
                kept.append(item)
            elif field is not None and item.selection is not None:
                nested = self._external_part(item.selection, base_name(field.type), external)
                if nested is not None:
                    kept.append(SelectedField(item.name, item.arguments, nested, item.directives))
        return Selection(tuple(kept)) if kept else None

    def _is_external(self, field: FieldDefinition, external: frozenset[Coordinate]) -> bool:
        if (field.parent, field.name) in external:
            return True
        return isinstance(self.types[field.parent], InterfaceType) and any(
            (found.name, field.name) in external
            for found in self.types.values()
            if isinstance(found, ObjectType) and field.parent in found.interfaces
        )

    # extensions are definitions -------------------------------------------------------------

    def make_extensions_definitions(self) -> None:
        """Forget which piece said what; ``@extends`` stays, and its keys stay those of extensions.

        Extensions beside a definition stay what they are: what is said of the type itself, as
        ``@shareable`` below, does not concern their fields.
        """
        for found in filter(_is_extension, self._composites()):
            for applied in found.directives:
                applied.block = 0
            for field in found.fields.values():
                field.block = 0
            found.has_definition = True
            found.extensions = 0

    # directives without effect --------------------------------------------------------------

    def drop_federation_on_interfaces(self) -> None:
        for found in self._composites():
            if isinstance(found, InterfaceType):
                _drop(found, "key")
                for field in found.fields.values():
                    _drop(field, "provides")
                    _drop(field, "requires")

    def drop_provides_on_leaves(self) -> None:
        for field in self._fields():
            if not isinstance(self.types.get(base_name(field.type)), CompositeType | UnionType):
                _drop(field, "provides")

    # external fields without use ------------------------------------------------------------

    def drop_unused_external_fields(self) -> None:
        referenced = self._referenced()  # by what is dropped, too
        _, facts = derive(self.subgraph)
        for field in list(self._fields()):
            at = (field.parent, field.name)
            if at in facts.external and at not in facts.used:
                owner = self.types[field.parent]
                assert isinstance(owner, CompositeType)
                del owner.fields[field.name]
        empty = [
            found for found in self._composites() if not found.fields and found.name != "Query"
        ]
        for found in empty:
            if found.name in referenced:
                self.problems.add(
                    "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
                    f'Every field of type "{found.name}" is external and unused, but the type is '
                    "used: it would have no fields.",
                    found.name,
                )
            else:
                del self.types[found.name]

    def _referenced(self) -> set[str]:
        return {base_name(field.type) for field in self._fields()}.union(
            self.subgraph.schema.roots.values(),
            *(found.members for found in self.types.values() if isinstance(found, UnionType)),
        )

    # sharing is said ------------------------------------------------------------------------

    def add_shareable(self) -> None:
        keys, facts = derive(self.subgraph)
        for found in self._composites():
            if not isinstance(found, ObjectType) or found.name == "Subscription":
                continue
            if found.name in keys or found.name in _ROOTS:
                for field in found.fields.values():
                    at = (found.name, field.name)
                    shared = any(at in other.resolved for other in self.others)
                    if shared and at not in facts.shareable and at not in facts.external:
                        field.directives.append(Applied("shareable", "shareable", {}))
            elif any(found.name in other.composites for other in self.others):
                found.directives.append(Applied("shareable", "shareable", {}))

    # tags are said once ---------------------------------------------------------------------

    def drop_tags_of_owners(self) -> None:
        _, facts = derive(self.subgraph)
        for field in self._fields():
            at = (field.parent, field.name)
            if at not in facts.external:
                continue
            field.directives = [
                applied
                for applied in field.directives
                if applied.canonical != "tag"
                or not any((*at, _tag_name(applied)) in other.tags for other in self.others)
            ]

    # the schema links federation 2 ----------------------------------------------------------

    def _link_federation_2(self) -> None:
        subgraph = self.subgraph
        federation = Feature(
            url=f"{FEDERATION}/{UPGRADED_VERSION}",
            identity=FEDERATION,
            name="federation",
            version=UPGRADED_VERSION,
            alias="federation",
            imports=federation_imports(UPGRADED_VERSION),
        )
        check_names(federation, subgraph.links, self.problems)
        subgraph.links = Links([*subgraph.links, federation])
        subgraph.federation_version = UPGRADED_VERSION
        raise_version(subgraph, federation)
        for old in FEDERATION_1.directives:
            subgraph.directives.pop(old.name, None)
        for scalar in FEDERATION_1.scalars:
            self.types.pop(scalar, None)
        known = known_directives(subgraph.links)
        add_spec_elements(subgraph, known, self.problems)
        for directive in subgraph.directives.values():
            source = known.get(directive.name)
            directive.canonical = source.canonical if source is not None else None
        for place in elements_of(subgraph.schema, self.types):
            for applied in place.element.directives:
                applied.canonical = subgraph.canonical(applied.name)

    # ----------------------------------------------------------------------------------------

    def _composites(self) -> list[CompositeType]:
        return [found for found in self.types.values() if isinstance(found, CompositeType)]

    def _fields(self) -> Iterator[FieldDefinition]:
        for found in self._composites():
            yield from found.fields.values()


_STEPS: Final[tuple[Callable[[_Upgrade], None], ...]] = (
    _Upgrade.refuse_baseless_extensions,
    _Upgrade.drop_external_on_interfaces_and_types,
    _Upgrade.drop_external_on_extension_keys,
    _Upgrade.prune_field_sets,
    _Upgrade.make_extensions_definitions,
    _Upgrade.drop_federation_on_interfaces,
    _Upgrade.drop_provides_on_leaves,
    _Upgrade.drop_unused_external_fields,
    _Upgrade.add_shareable,
    _Upgrade.drop_tags_of_owners,
)


def _drop(element: Element, canonical: str) -> None:
    if element.directives:
        element.directives = [
            applied for applied in element.directives if applied.canonical != canonical
        ]


def _as_text(value: object) -> str | None:
    """Return the string that a federation 1 field set stands for, if it is not one already."""
    if isinstance(value, EnumValueNode):
        return value.value
    if isinstance(value, ListValueNode):
        items = [
            each.value for each in value.values if isinstance(each, StringValueNode | EnumValueNode)
        ]
        return " ".join(items) if len(items) == len(value.values) else None
    return None
