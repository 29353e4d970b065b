"""``@composeDirective``: directives of the users' own specifications reach the supergraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from graphql import NullValueNode, StringValueNode
from msgspec import Struct

from router.composition.guesses import did_you_mean
from router.composition.links import CORE, FEDERATION, LINK, Feature
from router.composition.merge.applied import AppliedMerger
from router.composition.merge.features import Features, definition_of
from router.composition.merge.join import JOIN
from router.composition.merge.state import Findings, Merge, Source
from router.composition.merge.wording import differences, in_subgraphs
from router.composition.merged import base_name
from router.composition.model import Applied, DirectiveDefinition, Subgraph

__all__ = ["Composed", "define_composed", "find_composed"]

_CODE: Final = "DIRECTIVE_COMPOSITION_ERROR"
_SOURCE: Final = "https://specs.apollo.dev/source"
_COMPOSED_BY_DEFAULT: Final = frozenset(
    {"tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context"}
)
_UNSUPPORTED: Final = frozenset({FEDERATION, CORE, LINK, JOIN, _SOURCE})


class Request(Struct):
    """One subgraph's wish to compose a directive of a feature it links."""

    subgraph: Subgraph
    directive: DirectiveDefinition
    feature: Feature
    element: str


class Composed(Struct):
    """A composed feature: its link, and its directives by original name."""

    identity: str
    url: str
    name: str
    imports: dict[str, str]
    definitions: list[Source[DirectiveDefinition]]
    subgraphs: dict[str, frozenset[str]]
    """By directive name: the subgraphs that compose it."""


def find_composed(merge: Merge, features: Features) -> list[Composed]:
    """Return the features to compose; every problem is noted."""
    taken = _taken_names(merge)
    wishes: dict[tuple[str, str], Request] = {}
    for subgraph in merge.subgraphs:
        for applied in subgraph.schema.applications("composeDirective"):
            request = _request(merge, taken, subgraph, applied)
            if request is not None:
                wishes.setdefault((subgraph.name, request.directive.name), request)
    requests = list(wishes.values())
    by_identity: dict[str, list[Request]] = {}
    for request in requests:
        by_identity.setdefault(request.feature.identity, []).append(request)
    if _names_clash(merge.findings, requests) | _propagated_clash(merge, features, requests):
        return []
    _hint_majors_of_the_rest(merge, by_identity)
    return [
        found
        for identity, asked in by_identity.items()
        if (found := _compose_feature(merge, identity, asked)) is not None
    ]


# -- what a subgraph asks for --------------------------------------------------------------


def _request(
    merge: Merge, taken: Mapping[str, str], subgraph: Subgraph, applied: Applied
) -> Request | None:
    """Return a valid request, or None once its error or hint is noted."""
    findings = merge.findings
    node = applied.arguments.get("name")
    if node is None or isinstance(node, NullValueNode) or not isinstance(node, StringValueNode):
        _error(findings, subgraph, "has no name", "@composeDirective")
        return None
    text = node.value
    if not text.startswith("@"):
        reason = (
            f'names "{text}": a directive\'s name starts with "@"' if text else "has an empty name"
        )
        _error(findings, subgraph, reason, text)
        return None
    name = text[1:]
    directive = subgraph.directives.get(name)
    if directive is None:
        mend = did_you_mean(text, [f"@{each}" for each in subgraph.directives])
        _error(findings, subgraph, f'names "{text}", which is not defined', text, mend)
        return None
    source = subgraph.links.directive_source(name)
    if source is None:
        _error(findings, subgraph, f'names "{text}", which is of no linked feature', text)
        return None
    feature, element = source
    if feature.identity == FEDERATION and element in _COMPOSED_BY_DEFAULT:
        findings.hint(
            "DIRECTIVE_COMPOSITION_INFO",
            f'Directive "{text}" is composed by default: @composeDirective in subgraph '
            f'"{subgraph.name}" has no effect.',
            text,
        )
        return None
    if feature.identity in _UNSUPPORTED or directive.canonical is not None:
        reason = f'names "{text}" of {feature.identity}, which cannot be composed'
        _error(findings, subgraph, reason, text)
        return None
    if name in taken:
        reason = f'names "{text}", which is the name of @{taken[name]} in some subgraph'
        _error(findings, subgraph, reason, text)
        return None
    return Request(subgraph, directive, feature, element)


def _taken_names(merge: Merge) -> dict[str, str]:
    """Return the names that any subgraph has for ``@tag`` and ``@inaccessible``."""
    return {
        definition.name: definition.canonical
        for subgraph in merge.subgraphs
        for definition in subgraph.directives.values()
        if definition.canonical in ("tag", "inaccessible")
    }


def _error(findings: Findings, subgraph: Subgraph, reason: str, name: str, mend: str = "") -> None:
    findings.error(
        _CODE,
        f'@composeDirective in subgraph "{subgraph.name}" {reason}.{mend}',
        [subgraph.name],
        name,
    )


# -- whether all ask for the same ----------------------------------------------------------


def _names_clash(findings: Findings, requests: Sequence[Request]) -> bool:
    """Tell whether one name means two directives, or one directive has two names."""
    clash = False
    by_name: dict[str, dict[str, list[str]]] = {}
    by_element: dict[tuple[str, str], dict[str, list[str]]] = {}
    for each in requests:
        element = f"@{each.element} of {each.feature.identity}"
        by_name.setdefault(each.directive.name, {}).setdefault(element, []).append(
            each.subgraph.name
        )
        key = (each.feature.identity, each.element)
        by_element.setdefault(key, {}).setdefault(f"@{each.directive.name}", []).append(
            each.subgraph.name
        )
    for name, elements in by_name.items():
        if len(elements) > 1:
            clash = True
            findings.error(
                _CODE,
                f'Composed directive "@{name}" means {differences(elements)}.',
                [subgraph for where in elements.values() for subgraph in where],
                f"@{name}",
            )
    for (identity, element), names in by_element.items():
        if len(names) > 1:
            clash = True
            findings.error(
                _CODE,
                f'Directive "@{element}" of {identity} is composed as {differences(names)}.',
                [subgraph for where in names.values() for subgraph in where],
                f"@{element}",
            )
    return clash


def _propagated_clash(merge: Merge, features: Features, requests: Sequence[Request]) -> bool:
    """Tell whether a composed directive has the name of one that travels by default."""
    travelling = {name: canonical for canonical, name in features.names.items()}
    clashing = {each.directive.name: each for each in requests if each.directive.name in travelling}
    for name, each in clashing.items():
        merge.findings.error(
            "INVALID_LINK_DIRECTIVE_USAGE",
            f'Cannot import "@{each.element}" of {each.feature.identity} as "@{name}": in the '
            f'supergraph that is the name of "@{travelling[name]}". Import one of them under '
            'another name, with "as".',
            [each.subgraph.name],
            f"@{name}",
        )
    return bool(clashing)


def _compose_feature(merge: Merge, identity: str, asked: Sequence[Request]) -> Composed | None:
    composing = {each.subgraph.name: each.feature for each in asked}
    if len({feature.version.major for feature in composing.values()}) > 1:
        texts: dict[str, list[str]] = {}
        for name, feature in composing.items():
            texts.setdefault(f"version {feature.version}", []).append(name)
        merge.findings.error(
            _CODE,
            f'Feature "{identity}" is composed in incompatible major versions: '
            f"{differences(texts)}.",
            list(composing),
            "schema",
        )
        return None
    chosen = max(composing.values(), key=lambda feature: feature.version)
    _hint_other_majors(merge, identity, chosen, composing)
    imports: dict[str, str] = {}
    composers: dict[str, list[str]] = {}
    definitions: list[Source[DirectiveDefinition]] = []
    for each in asked:
        composers.setdefault(each.directive.name, []).append(each.subgraph.name)
        if each.element in imports:
            continue
        imports[each.element] = each.directive.name
        definition = _definition(merge, identity, chosen, each)
        if definition is not None:
            definitions.append(definition)
            _hint_other_names(merge, identity, each, composing)
    if len(definitions) < len(imports):
        return None
    return Composed(
        identity,
        f"{chosen.identity}/{chosen.version}",
        chosen.name,
        imports,
        definitions,
        {name: frozenset(composers[name]) for name in imports.values()},
    )


def _definition(
    merge: Merge, identity: str, chosen: Feature, asked: Request
) -> Source[DirectiveDefinition] | None:
    """Return the definition in the last subgraph that links exactly the chosen version."""
    for subgraph in reversed(merge.subgraphs):
        feature = subgraph.links.feature(identity)
        if feature is None or feature.version != chosen.version:
            continue
        found = subgraph.directives.get(feature.directive_name(asked.element))
        if found is not None:
            return Source(subgraph, found)
    merge.findings.error(
        _CODE,
        f'Feature "{identity}" is composed in version {chosen.version}, but no subgraph with '
        f'that version defines "@{asked.element}".',
        [asked.subgraph.name],
        f"@{asked.directive.name}",
    )
    return None


def _hint_other_majors(
    merge: Merge, identity: str, chosen: Feature, composing: dict[str, Feature]
) -> None:
    others: list[str] = []
    for subgraph in merge.subgraphs:
        feature = subgraph.links.feature(identity)
        if feature is None or subgraph.name in composing:
            continue
        if feature.version.major != chosen.version.major:
            others.append(subgraph.name)
    if others:
        merge.findings.hint(
            "DIRECTIVE_COMPOSITION_INFO",
            f'Feature "{identity}" is composed in version {chosen.version}; another major version '
            f"is linked, but not composed, {in_subgraphs(others)}.",
        )


def _hint_majors_of_the_rest(merge: Merge, composed: Mapping[str, object]) -> None:
    """Hint at features that nobody composes and that are linked in different major versions."""
    linked: dict[str, dict[str, list[str]]] = {}
    for subgraph in merge.subgraphs:
        for feature in subgraph.links:
            if feature.identity not in composed and feature.identity not in _UNSUPPORTED:
                majors = linked.setdefault(feature.identity, {})
                majors.setdefault(f"major version {feature.version.major}", []).append(
                    subgraph.name
                )
    for identity, majors in linked.items():
        if len(majors) > 1:
            merge.findings.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                f'Feature "{identity}" is linked in different major versions, but not composed: '
                f"{differences(majors)}.",
            )


def _hint_other_names(
    merge: Merge, identity: str, asked: Request, composing: dict[str, Feature]
) -> None:
    others: dict[str, list[str]] = {}
    for subgraph in merge.subgraphs:
        feature = subgraph.links.feature(identity)
        if feature is None or subgraph.name in composing:
            continue
        imported = feature.imports.get(f"@{asked.element}")
        if imported not in (None, f"@{asked.directive.name}"):
            others.setdefault(f'"{imported}"', []).append(subgraph.name)
    if others:
        merge.findings.hint(
            "DIRECTIVE_COMPOSITION_WARN",
            f'Composed directive "@{asked.directive.name}" has another name where it is not '
            f"composed, and is not taken from there: it is {differences(others)}.",
        )


# -- definitions ---------------------------------------------------------------------------


def define_composed(merge: Merge, applied: AppliedMerger, composed: Sequence[Composed]) -> None:
    """Define the composed directives, and remember who composes them."""
    for each in composed:
        for name, source in zip(each.imports.values(), each.definitions, strict=True):
            definition = definition_of(source.element)
            definition.name = name
            for argument in definition.arguments.values():
                coordinate = f"@{name}({argument.name}:)"
                declared = Source(source.subgraph, source.element.arguments[argument.name])
                applied.note(argument, [declared], f'argument "{coordinate}"', coordinate)
                merge.enum_usage(base_name(argument.type)).input = coordinate
            merge.schema.directives[name] = definition
            merge.schema.feature_directives.add(name)
        applied.features.composed.update(each.subgraphs)
