"""The features that a supergraph links to, and directives as plain values.

An unknown *feature* that claims to matter for execution or security stops the loading (core spec,
``for:``); any other is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from graphql import (
    ConstDirectiveNode,
    DirectiveNode,
    DocumentNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    value_from_ast_untyped,
)
from msgspec import Struct
from msgspec.structs import replace

from router.errors import SupergraphInvalid

__all__ = ["JOIN_VERSIONS", "Application", "JoinFeature", "applications", "join_feature"]

JOIN_VERSIONS: Final = ("0.1", "0.2", "0.3", "0.4", "0.5")

_KNOWN_FEATURES: Final = frozenset(
    [
        "core",
        "link",
        "join",
        "tag",
        "inaccessible",
        "authenticated",
        "requiresScopes",
        "policy",
        "context",
        "cost",
        "cacheTag",
    ]
)
_FEATURE_URL: Final = re.compile(r"^(?P<base>.*)/(?P<name>[^/]+)/v(?P<version>\d+\.\d+)/?$")


class Application(Struct, frozen=True):
    """A directive with its arguments as Python values."""

    name: str
    arguments: Mapping[str, Any]
    line: int

    def text(self, name: str) -> str | None:
        """An argument that must be a string, or None where it is absent."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else None

    def flag(self, name: str, default: bool = False) -> bool:
        """A Boolean argument."""
        value = self.arguments.get(name)
        return value if isinstance(value, bool) else default


class JoinFeature(Struct, frozen=True):
    """The join spec as it is linked: its version, its prefix, and what ``@context`` is called."""

    version: str
    prefix: str
    context: str | None


def join_feature(document: DocumentNode) -> JoinFeature:
    """What the schema links to; raises SupergraphInvalid where this router cannot obey it."""
    join: JoinFeature | None = None
    context: str | None = None
    for application in _schema_applications(document):
        if application.name not in {"link", "core"}:
            continue
        url = application.text("url") or application.text("feature") or ""
        match = _FEATURE_URL.match(url)
        name = match["name"] if match else url
        alias = application.text("as") or name
        known = match is not None and match["base"].endswith("specs.apollo.dev")
        if known and name == "join" and match is not None:
            if match["version"] not in JOIN_VERSIONS:
                raise SupergraphInvalid(
                    f"Line {application.line}: join spec version {match['version']} is not known; "
                    f"compose with one of {', '.join(JOIN_VERSIONS)}."
                )
            join = JoinFeature(match["version"], f"{alias}__", None)
        elif known and name == "context":
            context = alias
        purpose = application.arguments.get("for")
        if purpose in {"EXECUTION", "SECURITY"} and not (known and name in _KNOWN_FEATURES):
            raise SupergraphInvalid(
                f"Line {application.line}: the supergraph needs the feature {url!r} for "
                f"{purpose}, which this router does not have; compose without it."
            )
    if join is None:
        raise SupergraphInvalid(
            "This is no supergraph: its schema has no @link to "
            "https://specs.apollo.dev/join. Compose the subgraphs first "
            "(python -m router compose)."
        )
    return replace(join, context=context)


def _schema_applications(document: DocumentNode) -> Iterable[Application]:
    for definition in document.definitions:
        if isinstance(definition, (SchemaDefinitionNode, SchemaExtensionNode)):
            yield from applications(definition.directives)


def applications(
    directives: Sequence[DirectiveNode] | Sequence[ConstDirectiveNode] | None,
) -> list[Application]:
    """The directives on an element, arguments as Python values (enum values as strings)."""
    return [
        Application(
            directive.name.value,
            {
                argument.name.value: value_from_ast_untyped(argument.value)
                for argument in directive.arguments or ()
            },
            directive.loc.start_token.line if directive.loc else 0,
        )
        for directive in directives or ()
    ]
