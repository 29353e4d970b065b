"""``@override``: a field moves from one subgraph to another, at once or by label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from graphql import StringValueNode
from msgspec import Struct

from router.composition.guesses import did_you_mean
from router.composition.merge.state import Merge, Source
from router.composition.model import Applied, FieldDefinition, ObjectType

__all__ = ["NOT_OVERRIDDEN", "Overriding", "check_interface_overrides", "merge_overrides"]

_LABEL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*\Z")
_PERCENT: Final = re.compile(r"percent\((100|\d{1,2}(?:\.\d{1,8})?)\)\Z")


class Overriding(Struct):
    """What overrides mean for one subgraph's declaration of a field."""

    overridden: bool = False
    used: bool = False
    """Overridden, but still needed in its subgraph: stays in the supergraph as external."""
    label: str | None = None

    @property
    def is_gone(self) -> bool:
        """Overridden for good, and not needed where it was."""
        return self.overridden and not self.used and self.label is None


NOT_OVERRIDDEN: Final[Mapping[str, Overriding]] = MappingProxyType({})


def check_interface_overrides(merge: Merge, sources: Sequence[Source[FieldDefinition]]) -> None:
    """Refuse ``@override`` in interfaces and in the objects that stand for them."""
    for subgraph, field in sources:
        if not field.directives or not field.is_applied("override"):
            continue
        if isinstance(subgraph.types[field.parent], ObjectType):
            merge.findings.error(
                "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
                f'@override is not supported on field "{field.coordinate}" of subgraph '
                f'"{subgraph.name}": its type has @interfaceObject.',
                [subgraph.name],
                field.coordinate,
            )
        else:
            merge.findings.error(
                "OVERRIDE_ON_INTERFACE",
                f'@override is on field "{field.coordinate}" of subgraph "{subgraph.name}", '
                "whose type is an interface: override it on the implementations.",
                [subgraph.name],
                field.coordinate,
            )


def merge_overrides(
    merge: Merge,
    sources: Sequence[Source[FieldDefinition]],
    stand_ins: Sequence[Source[FieldDefinition]],
) -> Mapping[str, Overriding]:
    """Return what overrides mean, by subgraph name; ``stand_ins`` are interface objects' fields."""
    overriding = [
        (source, applied)
        for source in sources
        if source.element.directives and (applied := source.element.first("override")) is not None
    ]
    if not overriding:
        return NOT_OVERRIDDEN
    run = _Overrides(merge, sources, stand_ins, {source.name for source, _ in overriding})
    for source, applied in overriding:
        run.apply(source, applied)
    return run.result


class _Overrides:
    """The overrides of one field."""

    def __init__(
        self,
        merge: Merge,
        sources: Sequence[Source[FieldDefinition]],
        stand_ins: Sequence[Source[FieldDefinition]],
        overriding: set[str],
    ) -> None:
        self._merge = merge
        self._declared = {source.name: source for source in sources}
        self._standing_in = {source.name for source in stand_ins}
        self._overriding = overriding
        self.result: dict[str, Overriding] = {}

    def apply(self, source: Source[FieldDefinition], applied: Applied) -> None:
        """Obey one override, or say why not."""
        name, coordinate = source.name, source.element.coordinate
        findings = self._merge.findings
        origin = _text(applied, "from") or ""
        if origin not in self._merge.graphs:
            mend = did_you_mean(origin, self._merge.graphs)
            findings.hint(
                "FROM_SUBGRAPH_DOES_NOT_EXIST",
                f'Field "{coordinate}" of subgraph "{name}" overrides that of subgraph '
                f'"{origin}", which does not exist.{mend}',
                coordinate,
            )
            return
        if origin == name:
            self._error(
                "OVERRIDE_FROM_SELF_ERROR",
                f'Field "{coordinate}" of subgraph "{name}" overrides itself: please remove the '
                "@override, or name the subgraph that the field comes from.",
                (name,),
                coordinate,
            )
            return
        if origin in self._overriding:
            self._error(
                "OVERRIDE_SOURCE_HAS_OVERRIDE",
                f'Field "{coordinate}" of subgraph "{name}" overrides that of subgraph '
                f'"{origin}", which has an @override itself.',
                (name, origin),
                coordinate,
            )
            return
        overridden = self._declared.get(origin)
        if overridden is None:
            self._without_declaration(name, origin, coordinate)
            return
        if self._collides(source, overridden):
            return
        label = _text(applied, "label") or None
        if overridden.subgraph.is_external(overridden.element):
            findings.hint(
                "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
                f'Field "{coordinate}" of subgraph "{name}" overrides that of subgraph '
                f'"{origin}", which is external: the @override can be removed.',
                coordinate,
            )
        else:
            self._override(source, overridden, label)
        if label is not None:
            self._migrate(source, overridden, label)

    def _override(
        self,
        source: Source[FieldDefinition],
        overridden: Source[FieldDefinition],
        label: str | None,
    ) -> None:
        coordinate = source.element.coordinate
        used = overridden.subgraph.is_used(overridden.element)
        self.result[overridden.name] = Overriding(True, used)
        if label is None:
            advice = (
                "it is only used there by directives and interfaces, and could be made external"
                if used
                else "it can be removed there"
            )
            self._merge.findings.hint(
                "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
                f'Field "{coordinate}" of subgraph "{overridden.name}" is overridden by subgraph '
                f'"{source.name}": {advice}.',
                coordinate,
            )

    def _migrate(
        self,
        source: Source[FieldDefinition],
        overridden: Source[FieldDefinition],
        label: str,
    ) -> None:
        coordinate = source.element.coordinate
        for each in (source, overridden):
            self.result.setdefault(each.name, Overriding()).label = label
        if not _is_label(label):
            self._error(
                "OVERRIDE_LABEL_INVALID",
                f'The label "{label}" of the @override on field "{coordinate}" of subgraph '
                f'"{source.name}" is neither a name (letters first, then letters, digits and '
                '_-:./) nor "percent(x)" with x from 0 to 100.',
                (source.name,),
                coordinate,
            )
        self._merge.findings.hint(
            "OVERRIDE_MIGRATION_IN_PROGRESS",
            f'Field "{coordinate}" moves from subgraph "{overridden.name}" to '
            f'"{source.name}" by label "{label}"; once done, remove the label.',
            coordinate,
        )

    def _without_declaration(self, name: str, origin: str, coordinate: str) -> None:
        if origin in self._standing_in:
            self._error(
                "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
                f'Field "{coordinate}" of subgraph "{name}" overrides that of subgraph '
                f'"{origin}", where an @interfaceObject provides it: that cannot be overridden.',
                (name, origin),
                coordinate,
            )
            return
        self._merge.findings.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'Field "{coordinate}" of subgraph "{name}" overrides that of subgraph "{origin}", '
            "which does not have it: the @override can be removed.",
            coordinate,
        )

    def _collides(
        self, source: Source[FieldDefinition], overridden: Source[FieldDefinition]
    ) -> bool:
        coordinate = source.element.coordinate
        culprits = [
            (directive, overridden.name)
            for directive in ("requires", "provides")
            if overridden.element.is_applied(directive)
        ]
        if source.subgraph.is_external(source.element):
            culprits.append(("external", source.name))
        if not culprits:
            return False
        directive, where = culprits[0]
        self._error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'@override on field "{coordinate}" of subgraph "{source.name}" cannot be used '
            f'with @{directive} on that field in subgraph "{where}".',
            (source.name, where),
            coordinate,
        )
        return True

    def _error(self, code: str, message: str, subgraphs: tuple[str, ...], coordinate: str) -> None:
        self._merge.findings.error(code, message, dict.fromkeys(subgraphs), coordinate)


def _is_label(label: str) -> bool:
    return bool(_LABEL.match(label) or _PERCENT.match(label))


def _text(applied: Applied, argument: str) -> str | None:
    node = applied.arguments.get(argument)
    return node.value if isinstance(node, StringValueNode) else None
