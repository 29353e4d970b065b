"""Which directives of the subgraphs reach the supergraph, and under which names and links.

A directive that travels by default (``@tag``, ``@authenticated``, ...) keeps the name it has in
the subgraphs; its specification is linked when a subgraph applies it at least once. Directives
named by ``@composeDirective`` come after (see :mod:`router.composition.merge.composed`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from string import ascii_letters, digits
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from router.composition.links import Feature, Version
from router.composition.merge.state import Findings, Merge
from router.composition.merge.values import read_value
from router.composition.merge.wording import differences
from router.composition.merged import (
    BUILT_IN_DIRECTIVES,
    Application,
    Argument,
    DirectiveDefinition,
    EnumLiteral,
    ScalarType,
    Value,
)
from router.composition.model import Applied, Subgraph
from router.composition.model import DirectiveDefinition as SubgraphDirective
from router.composition.parsed import elements_of
from router.composition.specs import define, find_spec

__all__ = [
    "AUTH_DIRECTIVES",
    "Features",
    "PropagatedSpec",
    "add_links",
    "applied_directives",
    "definition_of",
    "find_features",
]

AUTH_DIRECTIVES: Final = ("authenticated", "requiresScopes", "policy")

_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\Z")
_NOT_LETTERS: Final = re.compile(r"[^A-Za-z]")


class PropagatedSpec(Struct, frozen=True):
    """A specification whose directives travel to the supergraph without being asked to."""

    name: str
    version: Version
    purpose: str | None
    directives: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"https://specs.apollo.dev/{self.name}"


_SPECS: Final = (
    PropagatedSpec("tag", Version(0, 3), None, ("tag",)),
    PropagatedSpec("inaccessible", Version(0, 2), "SECURITY", ("inaccessible",)),
    PropagatedSpec("authenticated", Version(0, 1), "SECURITY", ("authenticated",)),
    PropagatedSpec("requiresScopes", Version(0, 1), "SECURITY", ("requiresScopes",)),
    PropagatedSpec("policy", Version(0, 1), "SECURITY", ("policy",)),
    PropagatedSpec("context", Version(0, 1), "SECURITY", ("context",)),
    PropagatedSpec("cost", Version(0, 1), None, ("cost", "listSize")),
    PropagatedSpec("cacheTag", Version(0, 1), "EXECUTION", ("cacheTag",)),
)
_SPEC_OF: Final = {directive: spec for spec in _SPECS for directive in spec.directives}


class Features(Struct):
    """The directives that reach the supergraph.

    ``names`` maps canonical names of propagated directives to the supergraph's;
    ``composed`` maps the names of composed directives to the subgraphs that compose them;
    ``auth`` are the canonical names of the auth directives in the order of their links.
    """

    names: dict[str, str] = field(default_factory=dict)
    composed: dict[str, frozenset[str]] = field(default_factory=dict)
    specs: list[PropagatedSpec] = field(default_factory=list)
    auth: tuple[str, ...] = ()

    def supergraph_name(self, applied: Applied) -> str | None:
        """Return what an application is called in the supergraph; None when it does not go there.

        ``@cacheTag`` is not here: it travels inside ``@join__directive``.
        """
        if applied.canonical is not None:
            return self.names.get(applied.canonical)
        if applied.name in BUILT_IN_DIRECTIVES or applied.name in self.composed:
            return applied.name
        return None


def applied_directives(subgraph: Subgraph) -> set[str]:
    """Return the names of the directives that a subgraph applies."""
    found: set[str] = set()
    for place in elements_of(subgraph.schema, subgraph.types):
        found.update(applied.name for applied in place.element.directives)
    for definition in subgraph.directives.values():
        for argument in definition.arguments.values() if definition.by_user else ():
            found.update(applied.name for applied in argument.directives)
    return found


def find_features(merge: Merge) -> Features:
    """Return the propagated directives; what they are called must not differ."""
    names: dict[str, dict[str, list[str]]] = {}
    specs: list[PropagatedSpec] = []
    for subgraph in merge.subgraphs:
        applied = applied_directives(subgraph)
        # the order in which directives are defined decides that of the links
        for definition in subgraph.directives.values():
            canonical = definition.canonical
            if canonical is None or definition.name not in applied:
                continue
            spec = _SPEC_OF.get(canonical)
            if spec is None:
                continue
            names.setdefault(canonical, {}).setdefault(definition.name, []).append(subgraph.name)
            if spec not in specs:
                specs.append(spec)
    mismatch = next((each for each in names.items() if len(each[1]) > 1), None)
    if mismatch is not None:  # like the reference, tell of the first only
        _mismatch(merge.findings, *mismatch)
    features = Features(specs=specs)
    features.names = {
        canonical: next(iter(used)) for canonical, used in names.items() if canonical != "cacheTag"
    }
    auth = [directive for spec in specs for directive in spec.directives]
    features.auth = tuple(each for each in auth if each in AUTH_DIRECTIVES)
    return features


def _mismatch(findings: Findings, canonical: str, used: dict[str, list[str]]) -> None:
    texts = {f'it is imported as "@{name}"': where for name, where in used.items()}
    findings.error(
        "LINK_IMPORT_NAME_MISMATCH",
        f'The directive "@{canonical}" (from {_SPEC_OF[canonical].identity}) has different names '
        f"in different subgraphs: {differences(texts)}.",
        [name for where in used.values() for name in where],
        f"@{canonical}",
    )


# -- links ---------------------------------------------------------------------------------


def add_links(
    merge: Merge, features: Features, composed: Iterable[tuple[str, str, dict[str, str]]]
) -> None:
    """Link what is propagated, then what is composed, and define the propagated directives.

    ``composed`` gives url, feature name and imports (original to used name, without ``@``).
    """
    wanted = list(composed)
    aliases = _Aliases(merge, features, wanted)
    for spec in features.specs:
        used = {each: features.names[each] for each in spec.directives if each in features.names}
        alias = aliases.claim(spec.name)
        feature = _feature(spec, alias, used)
        merge.schema.applications.append(_link(feature, spec.purpose))
        merge.feature_aliases.add(alias)
        if spec.name != "cacheTag":
            _define(merge, feature)
    for url, name, imports in wanted:
        alias = aliases.claim(name)
        merge.feature_aliases.add(alias)
        arguments: dict[str, Value] = {"url": url}
        if alias != name:
            arguments["as"] = alias
        arguments["import"] = [_import(original, used) for original, used in imports.items()]
        merge.schema.applications.append(Application("link", arguments))


def _feature(spec: PropagatedSpec, alias: str, used: dict[str, str]) -> Feature:
    url = f"{spec.identity}/{spec.version}"
    plain = Feature(url, spec.identity, spec.name, spec.version, alias)
    renamed = {
        f"@{directive}": f"@{name}"
        for directive, name in used.items()
        if plain.directive_name(directive) != name or alias != spec.name
    }
    return replace(plain, imports=renamed)


def _link(feature: Feature, purpose: str | None) -> Application:
    arguments: dict[str, Value] = {"url": feature.url}
    if feature.alias != feature.name:
        arguments["as"] = feature.alias
    if purpose is not None:
        arguments["for"] = EnumLiteral(purpose)
    if feature.imports:
        arguments["import"] = [
            _import(original[1:], used[1:]) for original, used in feature.imports.items()
        ]
    return Application("link", arguments)


def _import(original: str, used: str) -> Value:
    return f"@{used}" if original == used else {"name": f"@{original}", "as": f"@{used}"}


def _define(merge: Merge, feature: Feature) -> None:
    """Define every directive and scalar of a specification, used or not."""
    spec = find_spec(feature.identity, feature.version)
    assert spec is not None, feature.url
    for directive in spec.directives:
        definition = definition_of(define(directive, feature, spec))
        merge.schema.directives[definition.name] = definition
        merge.schema.feature_directives.add(definition.name)
    for scalar in spec.scalars:
        name = feature.type_name(scalar)
        merge.schema.types[name] = ScalarType(name)
        merge.schema.feature_types.add(name)


def definition_of(directive: SubgraphDirective) -> DirectiveDefinition:
    """Return a subgraph's directive definition as one of the supergraph."""
    arguments: dict[str, Argument] = {}
    for name, argument in directive.arguments.items():
        merged = Argument(name, str(argument.type), description=argument.description)
        if argument.default is not None:
            merged.default = read_value(argument.default, argument.type, {})
        arguments[name] = merged
    return DirectiveDefinition(
        directive.name,
        arguments,
        directive.repeatable,
        directive.locations,
        directive.description,
    )


class _Aliases:
    """Gives each linked feature an alias that clashes with nothing."""

    def __init__(
        self,
        merge: Merge,
        features: Features,
        composed: Iterable[tuple[str, str, dict[str, str]]],
    ) -> None:
        self._taken = {"link", "join"}
        self._imported: list[tuple[str, str, str]] = []
        """Feature, original name and used name of what is imported."""
        for canonical, name in features.names.items():
            spec = _SPEC_OF[canonical]
            if name != Feature("", "", spec.name, spec.version, spec.name).directive_name(
                canonical
            ):
                self._imported.append((spec.name, canonical, name))
        wanted = list(composed)
        for _, name, imports in wanted:
            self._imported += [(name, original, used) for original, used in imports.items()]
        self._names = set(_all_names(merge))
        self._names.update(spec.name for spec in features.specs)
        self._names.update(name for _, name, _ in wanted)
        self._names.update(used for _, _, used in self._imported)
        self._counter = 0

    def claim(self, name: str) -> str:
        """Return the alias for a feature: its name where that is free."""
        alias = name if self._usable(name) else self._invented(name)
        self._taken.add(alias)
        return alias

    def _usable(self, name: str) -> bool:
        if name in self._taken or not _NAME.match(name) or "__" in name or name.endswith("_"):
            return False
        return not any(_clashes(name, *imported) for imported in self._imported)

    def _invented(self, name: str) -> str:
        alias = f"{_unused_prefix(self._names)}{self._counter}{_NOT_LETTERS.sub('', name)}"
        self._counter += 1
        return alias


def _clashes(alias: str, feature: str, original: str, used: str) -> bool:
    """Tell whether an imported name would be taken for another element under an alias."""
    if used == alias:
        return not (feature == alias and original == alias)
    prefix, separator, element = used.partition("__")
    return bool(separator) and prefix == alias and not (feature == alias and element == original)


def _all_names(merge: Merge) -> Iterator[str]:
    for subgraph in merge.subgraphs:
        yield from subgraph.types
        yield from subgraph.directives


def _unused_prefix(names: set[str]) -> str:
    """Return the shortest name that no name begins with: ``_`` nearly always."""
    first, later = "_" + ascii_letters, ascii_letters + digits
    length = 1
    while True:
        for letters in product(first, *[later] * (length - 1)):
            prefix = "".join(letters)
            if not any(name.startswith(prefix) for name in names):
                return prefix
        length += 1
