"""Reading ``@link``: urls, aliases and imports, and the many ways in which they clash.

Two links may not let one name mean two things: an imported name must differ from every other
import, from every feature's alias, and from whatever looks like ``alias__element``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from graphql import (
    ConstObjectValueNode,
    ConstValueNode,
    EnumValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    print_ast,
)
from msgspec.structs import replace

from router.composition.feature_urls import FeatureUrlInvalid, read_feature_url
from router.composition.guesses import did_you_mean
from router.composition.links import CONNECT, FEDERATION, LINK, Feature, Links, Version
from router.composition.model import Applied
from router.composition.problems import Problems, SubgraphRefused
from router.composition.specs import FEDERATION_VERSIONS, federation_since, find_spec, too_old

__all__ = ["check_names", "read_links"]

_ALIAS: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z.\-]*\Z")
_NAME: Final = re.compile(r"@?[_A-Za-z][_0-9A-Za-z]*\Z")
_TAG_LIKE: Final = ("https://specs.apollo.dev/tag", "https://specs.apollo.dev/inaccessible")
_USAGE: Final = "INVALID_LINK_DIRECTIVE_USAGE"
_SELF: Final = Feature(f"{LINK}/v1.0", LINK, "link", Version(1, 0), "link", implied=True)


def read_links(applied: Sequence[Applied], problems: Problems) -> Links:
    """Return the features that the schema's ``@link`` applications name.

    In a schema that links neither federation nor the link specification itself links mean
    nothing: it is a federation 1 schema, and only the link specification is there. Raises
    :class:`~router.composition.problems.SubgraphRefused`.
    """
    written = [application for application in applied if application.name == "link"]
    urls = [_text(application.arguments.get("url")) or "" for application in written]
    if not any(url.startswith((f"{FEDERATION}/", f"{LINK}/")) or url == FEDERATION for url in urls):
        return Links([_SELF])
    federated = any(url.startswith(FEDERATION) for url in urls)
    links = Links()
    if not urls[0].startswith(f"{LINK}/"):
        _add_after_reading_all(written, federated, links, problems)
        return links
    try:
        for application in written:
            feature = _feature(application, problems)
            problems.settle()
            _add(feature, federated, links, problems)
    except SubgraphRefused:
        if not links.features:
            raise
        return Links(links, broken=True)  # like the reference, go on with what was linked before
    return links


def _add_after_reading_all(
    written: Sequence[Applied], federated: bool, links: Links, problems: Problems
) -> None:
    features = [_feature(application, problems) for application in written]
    problems.settle()
    # the link to itself is in place already; it may be said once
    said = next((each for each in features if _is_self(each)), None)
    if said is None:
        links.add(_SELF)
    else:
        check_names(said, links, problems)
        links.add(replace(said, late=True))
    for feature in features:
        if feature is not said:
            _add(feature, federated, links, problems)


def _add(feature: Feature, federated: bool, links: Links, problems: Problems) -> None:
    _check_is_new(feature, federated, links, problems)
    known = _of_known_version(feature, federated, problems)
    check_names(known, links, problems)
    links.add(known)


def _is_self(feature: Feature) -> bool:
    return feature.url == _SELF.url and feature.alias == _SELF.alias


def _feature(applied: Applied, problems: Problems) -> Feature:
    url = _text(applied.arguments.get("url"))
    if url is None:
        raise problems.stop(
            "INVALID_LINK_IDENTIFIER", "A @link on the schema has no url.", "schema"
        )
    try:
        identity, name, version = read_feature_url(url)
    except FeatureUrlInvalid as error:
        raise problems.stop("INVALID_LINK_IDENTIFIER", str(error), "schema") from error
    purpose = applied.arguments.get("for")
    alias = _text(applied.arguments.get("as"))
    return Feature(
        url=url,
        identity=identity,
        name=name,
        version=version,
        alias=name if alias is None else alias,
        imports=_imports(applied.arguments.get("import"), identity, version, problems),
        purpose=purpose.value if isinstance(purpose, EnumValueNode) else None,
    )


# -- imports -------------------------------------------------------------------------------


def _imports(
    value: ConstValueNode | None, identity: str, version: Version, problems: Problems
) -> dict[str, str]:
    """Return what is imported; every bad entry is reported before giving up."""
    entries: Sequence[ConstValueNode]
    if value is None or isinstance(value, NullValueNode):
        entries = ()
    elif isinstance(value, ListValueNode):
        entries = value.values
    else:
        problems.add(_USAGE, f"@link(import:) should be a list, not {print_ast(value)}.", "schema")
        entries = ()
    spec = find_spec(identity, version)
    known = spec.elements if spec is not None else None
    imports: dict[str, str] = {}
    for entry in entries:
        read = _import(entry, problems)
        if read is None:
            continue
        element, name = read
        if known is not None and element not in known:
            problems.add(_USAGE, _unknown_element(element, identity, version, known), "schema")
            continue
        if imports.setdefault(element, name) != name:
            problems.add(
                _USAGE,
                f'Cannot import "{element}" from "{identity}" both as "{imports[element]}" and as '
                f'"{name}": please remove one of these imports.',
                "schema",
            )
    return imports


def _import(entry: ConstValueNode, problems: Problems) -> tuple[str, str] | None:
    text = _text(entry)
    if text is not None:
        element = name = text
    elif isinstance(entry, ObjectValueNode):
        read = _renamed_import(entry, problems)
        if read is None:
            return None
        element, name = read
    else:
        problems.add(
            _USAGE,
            f"Invalid value {print_ast(entry)} in @link(import:): expected a string, or an object "
            'of the form { name: "<element>", as: "<name>" }.',
            "schema",
        )
        return None
    for text in (element, name):
        if not _NAME.match(text):
            problems.add(_USAGE, f'"{text}" in @link(import:) is not a name.', "schema")
            return None
    if element.startswith("@") != name.startswith("@"):
        kind = "a directive keeps its @" if element.startswith("@") else "a type has no @"
        problems.add(
            _USAGE, f'Cannot import "{element}" under the name "{name}": {kind}.', "schema"
        )
        return None
    return element, name


def _renamed_import(
    entry: ObjectValueNode | ConstObjectValueNode, problems: Problems
) -> tuple[str, str] | None:
    given: dict[str, str] = {}
    for field in entry.fields:
        key, text = field.name.value, _text(field.value)
        if key not in ("name", "as"):
            problems.add(
                _USAGE, f'Unknown field "{key}" in {print_ast(entry)} of @link(import:).', "schema"
            )
            return None
        if text is None:
            problems.add(
                _USAGE,
                f'"{key}" should be a string in {print_ast(entry)} of @link(import:).',
                "schema",
            )
            return None
        given[key] = text
    if "name" not in given:
        problems.add(
            _USAGE, f'{print_ast(entry)} in @link(import:) lacks the mandatory "name".', "schema"
        )
        return None
    return given["name"], given.get("as", given["name"])


def _unknown_element(element: str, identity: str, version: Version, known: Sequence[str]) -> str:
    unknown = f'Cannot import unknown element "{element}".'
    since = federation_since(element.removeprefix("@")) if identity == FEDERATION else None
    if since is not None and since > version:
        return f"{unknown} {too_old(version, since)}"
    if f"@{element}" in known:
        return f'{unknown} Did you mean "@{element}"?'
    return unknown + did_you_mean(element, known)


# -- versions and names --------------------------------------------------------------------


def _of_known_version(feature: Feature, federated: bool, problems: Problems) -> Feature:
    """Return the link to go on with, which has another version where its own is wrong."""
    if feature.identity == FEDERATION and feature.version not in FEDERATION_VERSIONS:
        problems.add(
            "UNKNOWN_FEDERATION_LINK_VERSION",
            f"Federation {feature.version} is not known: the versions known are "
            f"{FEDERATION_VERSIONS[0]} to {FEDERATION_VERSIONS[-1]}.",
            "schema",
        )
    if feature.identity == LINK and find_spec(LINK, feature.version) is None:
        # with federation linked too, link v1.0 is in place already
        if federated:
            raise _linked_already(feature, problems)
        problems.add("UNKNOWN_LINK_VERSION", _unknown_version(feature), "schema")
        return replace(feature, url=_SELF.url, version=_SELF.version)
    if feature.identity == CONNECT:
        raise problems.stop(
            "UNSUPPORTED_LINKED_FEATURE",
            f'"{feature.url}" is not supported: @connect and @source are no part of this router. '
            "Serve the data from a subgraph instead, and remove the @link.",
            "schema",
        )
    return feature


def _check_is_new(feature: Feature, federated: bool, links: Links, problems: Problems) -> None:
    known = links.feature(feature.identity)
    if known is None:
        return
    if known.implied:
        if not federated and find_spec(LINK, feature.version) is None:
            raise problems.stop("UNKNOWN_LINK_VERSION", _unknown_version(feature), "schema")
        raise _linked_already(feature, problems)
    raise problems.stop(
        _USAGE, f'"{feature.identity}" is linked twice: link each feature once.', "schema"
    )


def _linked_already(feature: Feature, problems: Problems) -> SubgraphRefused:
    return problems.stop(
        _USAGE,
        f'Cannot link "{feature.url}": the schema already uses link {_SELF.version}, the only '
        f'version known, as "{_SELF.alias}".',
        "schema",
    )


def _unknown_version(feature: Feature) -> str:
    return (
        f"The link specification has no version {feature.version} known here, only {_SELF.version}."
    )


def check_names(feature: Feature, links: Links, problems: Problems) -> None:
    """Refuse a feature whose alias or imports clash with the links there already."""
    _check_alias(feature, links, problems)
    for element, name in feature.imports.items():
        for other in links:
            _check_import(element, name, feature, other, problems)
            for taken_element, taken in other.imports.items():
                if taken == name:
                    raise _clash(feature, other, f'the import "{taken_element}"', name, problems)
        _check_own_names(element, name, feature, problems)
    for other in links:
        for element, name in other.imports.items():
            _check_import(element, name, other, feature, problems)
    for name, count in Counter(feature.imports.values()).items():
        if count > 1:
            raise problems.stop(
                _USAGE, f'Two elements of "{feature.identity}" are imported as "{name}".', "schema"
            )


def _check_alias(feature: Feature, links: Links, problems: Problems) -> None:
    alias = feature.alias
    exempt = (
        feature.identity in _TAG_LIKE
        and alias == f"federation__{feature.name}"
        and not feature.imports
    )
    wrong = None
    if "__" in alias and not exempt:
        wrong = 'it contains "__"'
    elif alias.endswith("_"):
        wrong = 'it ends in "_"'
    elif not _ALIAS.match(alias):
        wrong = "it is not a name"
    if wrong is not None:
        raise problems.stop(
            _USAGE,
            f'Cannot link "{feature.identity}" as "{alias}" since {wrong}. Please choose another '
            'name via "as".',
            "schema",
        )
    other = links.by_alias(alias)
    if other is not None:
        raise _clash(feature, other, "its alias", alias, problems)


def _check_import(
    element: str, name: str, importer: Feature, other: Feature, problems: Problems
) -> None:
    """Refuse an import that looks like an element of another feature."""
    prefix, separator, _ = name.lstrip("@").partition("__")
    if (separator and prefix == other.alias) or name == f"@{other.alias}":
        raise _clash(importer, other, "the names under its alias", name, problems)


def _check_own_names(element: str, name: str, feature: Feature, problems: Problems) -> None:
    prefix, separator, rest = name.lstrip("@").partition("__")
    at = "@" if name.startswith("@") else ""
    confusing = (separator and prefix == feature.alias and at + rest != element) or (
        name == f"@{feature.alias}" and element != f"@{feature.name}"
    )
    if confusing:
        raise problems.stop(
            _USAGE,
            f'Cannot import "{element}" as "{name}" from "{feature.identity}": another element of '
            "that feature has this name already.",
            "schema",
        )


def _clash(feature: Feature, other: Feature, what: str, name: str, problems: Problems) -> Exception:
    pair = {feature.identity, other.identity}
    for identity in _TAG_LIKE:
        if pair == {FEDERATION, identity}:
            directive = identity.rpartition("/")[2]
            return problems.stop(
                _USAGE,
                f'Please import "@{directive}" from "{FEDERATION}" instead of linking '
                f'"{identity}" beside it.',
                "schema",
            )
    return problems.stop(
        _USAGE,
        f'"{name}" of "{feature.identity}" clashes with {what} of "{other.identity}". Please '
        'rename one of them via "as".',
        "schema",
    )


def _text(value: ValueNode | None) -> str | None:
    """Return a text, whose quotes may be missing."""
    return value.value if isinstance(value, StringValueNode | EnumValueNode) else None
