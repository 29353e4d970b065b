"""What its links add to a subgraph: the directives and types of the linked specifications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from router.composition.definitions import (
    directive_deviations,
    is_simplified_federation_1,
    type_deviations,
)
from router.composition.links import FEDERATION, LINK, Feature, Links
from router.composition.model import (
    DirectiveDefinition,
    EnumType,
    EnumValue,
    ImplicitUpgrade,
    ScalarType,
)
from router.composition.parsed import ParsedSubgraph
from router.composition.problems import Problems
from router.composition.specs import (
    BUILT_IN_DIRECTIVES,
    FEDERATION_1,
    FEDERATION_VERSIONS,
    define,
    find_spec,
    minimum_federation,
)

__all__ = ["add_spec_elements", "known_directives", "raise_version"]


def raise_version(subgraph: ParsedSubgraph, federation: Feature | None) -> None:
    """Apply the minimum versions that directly linked specifications ask for."""
    if federation is None:
        return
    for feature in subgraph.links:
        minimum = minimum_federation(feature)
        if minimum is not None and minimum > subgraph.federation_version:
            subgraph.federation_version = minimum
            subgraph.implicit_upgrade = ImplicitUpgrade(feature, federation.version, minimum)


def known_directives(links: Links) -> dict[str, DirectiveDefinition]:
    """Return the directives of linked specifications by their names here, in order."""
    known: dict[str, DirectiveDefinition] = {}
    if links.feature(FEDERATION) is None:
        known.update((definition.name, definition) for definition in FEDERATION_1.directives)
    for feature in _readable(links):
        spec = find_spec(feature.identity, feature.version)
        if spec is not None:
            for definition in spec.directives:
                local = define(definition, feature, spec)
                known[local.name] = local
    return known


def _readable(links: Links) -> list[Feature]:
    """Return the links in the order in which they define things: federation before others.

    An unknown version of federation leaves nothing known but the link specification.
    """
    federation = links.feature(FEDERATION)
    if federation is not None and federation.version not in FEDERATION_VERSIONS:
        return [feature for feature in links if feature.identity == LINK]
    first = (LINK, FEDERATION)
    return sorted(
        links, key=lambda each: first.index(each.identity) if each.identity in first else len(first)
    )


def add_spec_elements(
    subgraph: ParsedSubgraph, known: dict[str, DirectiveDefinition], problems: Problems
) -> None:
    """Add the directives and types of linked specifications that the user did not write.

    What the user did write is compared with its specification. Where ``@link`` itself is wrong
    its applications say nothing, and nothing else is known.
    """
    of_link = {name: each for name, each in known.items() if _is_link(each)}
    is_sound = _answers_for_link(subgraph, of_link) or _add_types(
        subgraph, _features(subgraph.links, link=True), problems
    )
    is_sound = _add_directives(subgraph, of_link, problems) and is_sound
    if not is_sound:
        _break_links(subgraph, known)
        return
    if subgraph.links.feature(FEDERATION) is None:
        for scalar in FEDERATION_1.scalars:
            _add_type(subgraph, ScalarType(scalar), problems)
    _add_types(subgraph, _features(subgraph.links, link=False), problems)
    rest = {name: each for name, each in known.items() if name not in of_link}
    _add_directives(subgraph, rest, problems)


def _answers_for_link(subgraph: ParsedSubgraph, of_link: dict[str, DirectiveDefinition]) -> bool:
    """Tell whether a schema defines what it links in so many words: the rest is its own affair."""
    return any(
        name in subgraph.directives and each.feature is not None and not each.feature.implied
        for name, each in of_link.items()
    )


def _is_link(directive: DirectiveDefinition) -> bool:
    return directive.feature is not None and directive.feature.identity == LINK


def _features(links: Links, *, link: bool) -> list[Feature]:
    return [feature for feature in links if (feature.identity == LINK) is link]


def _break_links(subgraph: ParsedSubgraph, known: dict[str, DirectiveDefinition]) -> None:
    subgraph.links = Links(_features(subgraph.links, link=True), broken=True)
    subgraph.is_fed2 = False
    for name, definition in known.items():
        if not _is_link(definition) and subgraph.directives.get(name) is definition:
            del subgraph.directives[name]


def _add_directives(
    subgraph: ParsedSubgraph, known: dict[str, DirectiveDefinition], problems: Problems
) -> bool:
    """Tell whether those that are there already are as they must be."""
    are_sound = True
    scalars = frozenset(_spec_scalars(subgraph.links))
    is_fed1 = subgraph.links.feature(FEDERATION) is None
    for name, expected in known.items():
        written = subgraph.directives.get(name) or BUILT_IN_DIRECTIVES.get(name)
        # federation 1 libraries print simplified definitions, which the right one replaces
        if written is None or (
            is_fed1
            and expected.canonical in ("key", "requires", "provides")
            and is_simplified_federation_1(written)
        ):
            subgraph.directives[name] = expected
            continue
        if _is_link(expected):
            if not _links_count(subgraph):
                continue
            written, expected = _as_far_as_checked(written, expected)
        deviations = directive_deviations(written, expected, scalars, subgraph.types)
        if problems.add_all("DIRECTIVE_DEFINITION_INVALID", deviations):
            subgraph.directives[name] = known[name]  # what else is wrong is told by the right one
            are_sound = False
    return are_sound


def _links_count(subgraph: ParsedSubgraph) -> bool:
    """Tell whether ``@link`` means anything in a schema (see ``read_links``)."""
    link = subgraph.links.feature(LINK)
    return subgraph.is_fed2 or (link is not None and not link.implied)


def _as_far_as_checked(
    written: DirectiveDefinition, expected: DirectiveDefinition
) -> tuple[DirectiveDefinition, DirectiveDefinition]:
    """Return the part of a definition of ``@link`` that is compared with the specification's."""
    assert expected.feature is not None
    if expected.feature.implied:
        return written, expected
    read = ("url", "as")
    ours, theirs = (
        replace(
            definition,
            arguments={
                name: replace(argument, default=None)
                for name, argument in definition.arguments.items()
                if name in read
            },
        )
        for definition in (written, expected)
    )
    return ours, theirs


def _add_types(subgraph: ParsedSubgraph, features: Iterable[Feature], problems: Problems) -> bool:
    """Tell whether those that are there already are as they must be."""
    are_sound = True
    for feature in features:
        spec = find_spec(feature.identity, feature.version)
        if spec is None:
            continue
        for scalar in spec.scalars:
            are_sound &= _add_type(subgraph, ScalarType(feature.type_name(scalar)), problems)
        for element, values in spec.enums:
            name = feature.type_name(element)
            enum = EnumType(name, values={value: EnumValue(value) for value in values})
            are_sound &= _add_type(subgraph, enum, problems)
    return are_sound


def _add_type(
    subgraph: ParsedSubgraph, expected: ScalarType | EnumType, problems: Problems
) -> bool:
    written = subgraph.types.setdefault(expected.name, expected)
    if problems.add_all("TYPE_DEFINITION_INVALID", type_deviations(written, expected)):
        subgraph.types[expected.name] = expected  # what else is wrong is told by the right one
        return False
    return True


def _spec_scalars(links: Links) -> Iterator[str]:
    if links.feature(FEDERATION) is None:
        yield from FEDERATION_1.scalars
    for feature in links:
        spec = find_spec(feature.identity, feature.version)
        if spec is not None:
            for scalar in spec.scalars:
                yield feature.type_name(scalar)
