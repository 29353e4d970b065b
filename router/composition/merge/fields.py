"""Merging one field of an object or interface, and saying who has it: ``@join__field``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from graphql import StringValueNode
from msgspec import Struct, field

from router.composition.merge.applied import AppliedMerger
from router.composition.merge.descriptions import merge_description
from router.composition.merge.external import check_directives_on_external, check_external
from router.composition.merge.inputs import contextual_arguments, merge_arguments
from router.composition.merge.join_directives import carried_directives
from router.composition.merge.override import Overriding
from router.composition.merge.state import Merge, Source
from router.composition.merge.subtypes import TypeMerge, merge_output_type
from router.composition.merge.wording import subgraph_names
from router.composition.merged import Application, EnumType, Field, Value, base_name
from router.composition.model import CompositeType, Element, FieldDefinition

__all__ = ["FieldSources", "merge_field"]


class FieldSources(Struct, frozen=True):
    """A field everywhere: who declares it, who has only its parent, who adds it by interface."""

    coordinate: str
    declared: Sequence[Source[FieldDefinition]]
    parents: Sequence[Source[CompositeType]]
    stand_ins: Sequence[Source[FieldDefinition]] = ()
    overriding: Mapping[str, Overriding] = field(default_factory=dict)


def merge_field(
    merge: Merge,
    applied: AppliedMerger,
    sources: FieldSources,
    travelling: Callable[[], Iterable[Source[Element]]],
) -> Field | None:
    """Return the merged field, or None when it is external everywhere."""
    coordinate, declared = sources.coordinate, sources.declared
    own = [source for source in declared if not source.subgraph.is_external(source.element)]
    external = [source for source in declared if source.subgraph.is_external(source.element)]
    added = [s for s in sources.stand_ins if not s.subgraph.is_external(s.element)]
    if not own and not added:
        names = [source.name for source in declared]
        merge.findings.error(
            "EXTERNAL_MISSING_ON_BASE",
            f'Field "{coordinate}" is @external wherever it is declared '
            f"({subgraph_names(names)}): no subgraph resolves it. One must have it without "
            "@external.",
            names,
            coordinate,
        )
        return None
    merged = Field(declared[0].element.name, "")
    named = f'field "{coordinate}"'
    merged.description = merge_description(merge.findings, own, named, coordinate)
    check_directives_on_external(merge, applied.features, external)
    applied.note(merged, own, named, coordinate, travelling=travelling)
    merged.arguments = merge_arguments(
        merge, applied, [(s, field.arguments) for s, field in own or external], coordinate
    )
    types = merge_output_type(merge.schema, merge.findings, own or external, coordinate)
    merged.type = types.type
    if isinstance(merge.schema.types.get(base_name(types.type)), EnumType):
        merge.enum_usage(base_name(types.type)).output = coordinate
    if external and own:
        check_external(merge, merged, types, coordinate, external)
    if _needs_join_fields(sources, types):
        merged.directives += _join_fields(merge, sources, types)
    merged.directives += carried_directives(merge, declared)
    return merged


def _needs_join_fields(sources: FieldSources, types: TypeMerge) -> bool:
    """Tell whether "in every subgraph of the type, and just so" would be untrue."""
    if not types.uniform:
        return True
    for source in sources.declared:
        state = sources.overriding.get(source.name)
        if state is not None and (state.overridden or state.label is not None):
            return True
        if source.subgraph.is_external(source.element):
            return True
        if source.element.directives and any(
            source.element.is_applied(name) for name in ("requires", "provides")
        ):
            return True
        if contextual_arguments(source.element):
            return True
    return len(sources.declared) < len(sources.parents)


def _join_fields(merge: Merge, sources: FieldSources, types: TypeMerge) -> list[Application]:
    applications: list[Application] = []
    for source in sources.declared:
        state = sources.overriding.get(source.name, _PLAIN)
        if not state.is_gone:
            applications.append(_join_field(merge, source, types, state))
    return applications


_PLAIN: Final = Overriding()


def _join_field(
    merge: Merge, source: Source[FieldDefinition], types: TypeMerge, state: Overriding
) -> Application:
    subgraph, field = source
    arguments: dict[str, Value] = {"graph": merge.graph(subgraph)}
    for name, directive, argument in (
        ("requires", "requires", "fields"),
        ("provides", "provides", "fields"),
        ("override", "override", "from"),
    ):
        text = _directive_text(field, directive, argument)
        if text is not None:
            arguments[name] = text
    if not types.uniform:
        arguments["type"] = str(field.type)
    if subgraph.is_external(field):
        arguments["external"] = True
    if state.used:
        arguments["usedOverridden"] = True
    if state.label is not None:
        arguments["overrideLabel"] = state.label
    contextual = _context_arguments(source)
    if contextual:
        arguments["contextArguments"] = contextual
    return Application("join__field", arguments)


def _directive_text(field: FieldDefinition, directive: str, argument: str) -> str | None:
    applied = field.first(directive) if field.directives else None
    node = applied.arguments.get(argument) if applied is not None else None
    return node.value if isinstance(node, StringValueNode) else None


def _context_arguments(source: Source[FieldDefinition]) -> list[Value]:
    found: list[Value] = []
    for argument in contextual_arguments(source.element):
        applied = argument.first("fromContext")
        node = applied.arguments.get("field") if applied is not None else None
        if not isinstance(node, StringValueNode):
            continue
        context, selection = _split_context(node.value)
        found.append(
            {
                "context": f"{source.name}__{context}",
                "name": argument.name,
                "type": str(argument.type),
                "selection": selection,
            }
        )
    return found


def _split_context(text: str) -> tuple[str, str]:
    """Split ``$context selection``; the selection is kept as written."""
    after = text[text.index("$") + 1 :]
    length = 0
    while length < len(after) and (after[length].isalnum() or after[length] == "_"):
        length += 1
    return after[:length], after[length:]
