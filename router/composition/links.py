"""``@link``: which specifications a schema uses, and under which names.

A link names a feature by url (``https://specs.apollo.dev/federation/v2.3``: identity, name and
version), gives it an alias and imports some of its elements. What is not imported is called
``alias__Element`` or ``@alias__directive``; a directive named like its feature is ``@alias``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from msgspec import Struct, field

__all__ = [
    "CONNECT",
    "CORE",
    "FEDERATION",
    "LINK",
    "Feature",
    "Links",
    "Version",
]

LINK: Final = "https://specs.apollo.dev/link"
CORE: Final = "https://specs.apollo.dev/core"
FEDERATION: Final = "https://specs.apollo.dev/federation"
CONNECT: Final = "https://specs.apollo.dev/connect"

_MACHINERY: Final = frozenset({LINK, CORE, FEDERATION, CONNECT})
_SUBGRAPH_MACHINERY: Final = frozenset({"_Any", "_Service", "_Entity"})


class Version(NamedTuple):
    """``v<major>.<minor>``"""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"


class Feature(Struct, frozen=True, eq=False):
    """One link.

    ``imports`` maps an element's name in the specification to its name in the schema, both with
    ``@`` when it is a directive. ``late`` is a link to the link specification that is not the
    first: until it is read ``@link`` was there already, with the names that it had before.
    ``implied`` is the link to the link specification that a schema need not write.
    """

    url: str
    identity: str
    name: str
    version: Version
    alias: str
    imports: dict[str, str] = field(default_factory=dict)
    purpose: str | None = None
    late: bool = False
    implied: bool = False

    def directive_name(self, element: str) -> str:
        """Return what the schema calls a directive of this feature (both without ``@``)."""
        imported = self.imports.get("@" + element)
        if imported is not None:
            return imported[1:]
        return self.alias if element == self.name else f"{self.alias}__{element}"

    def type_name(self, element: str) -> str:
        """Return what the schema calls a type of this feature."""
        return self.imports.get(element) or f"{self.alias}__{element}"


class Links:
    """The features that a schema links, in order, and whose names are whose.

    ``broken`` where what the schema links could not be read: nothing but ``@link`` is known then.
    """

    def __init__(self, features: Iterable[Feature] = (), *, broken: bool = False) -> None:
        self.broken = broken
        self.features: list[Feature] = []
        self._by_identity: dict[str, Feature] = {}
        self._by_alias: dict[str, Feature] = {}
        self._imported: dict[str, tuple[Feature, str]] = {}
        for feature in features:
            self.add(feature)

    def add(self, feature: Feature) -> None:
        """Add a feature whose names are known not to clash with the others'."""
        self.features.append(feature)
        self._by_identity[feature.identity] = feature
        self._by_alias[feature.alias] = feature
        for element, name in feature.imports.items():
            self._imported[name] = (feature, element)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def feature(self, identity: str) -> Feature | None:
        """Return the link to an identity (an url without its version)."""
        return self._by_identity.get(identity)

    def by_alias(self, alias: str) -> Feature | None:
        """Return the link that has this alias."""
        return self._by_alias.get(alias)

    def directive_source(self, name: str) -> tuple[Feature, str] | None:
        """Return whose a directive is by its name here: the feature, and its name there."""
        source = self._source("@" + name)
        if source is not None:
            return source[0], source[1][1:]
        feature = self._by_alias.get(name)
        if feature is not None and "@" + feature.name not in feature.imports:
            return feature, feature.name
        return None

    def is_machinery(self, type_name: str) -> bool:
        """Tell whether a type belongs to federation, link, core or connect, not to the graph."""
        if type_name in _SUBGRAPH_MACHINERY:
            return True
        source = self._imported.get(type_name)
        alias, separator, _ = type_name.partition("__")
        feature = source[0] if source else self._by_alias.get(alias) if separator else None
        return feature is not None and feature.identity in _MACHINERY

    def _source(self, name: str) -> tuple[Feature, str] | None:
        """Look up a type's name, or a directive's with its ``@``."""
        imported = self._imported.get(name)
        if imported is not None:
            return imported
        at = "@" if name.startswith("@") else ""
        alias, separator, element = name[len(at) :].partition("__")
        feature = self._by_alias.get(alias) if separator else None
        if feature is None or at + element in feature.imports:
            return None
        return feature, at + element
