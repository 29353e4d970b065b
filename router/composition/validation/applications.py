"""GraphQL's rules for applied directives: known, in place, not doubled, with valid arguments."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from graphql import NullValueNode, print_ast

from router.composition.guesses import did_you_mean
from router.composition.links import FEDERATION
from router.composition.literals import is_valid_literal
from router.composition.model import Applied, DirectiveDefinition
from router.composition.parsed import ParsedSubgraph, Place, elements_of
from router.composition.problems import Problems
from router.composition.specs import (
    BUILT_IN_DIRECTIVES,
    FEDERATION_VERSIONS,
    federation_since,
    find_spec,
    too_old,
)

__all__ = ["check_applications"]

_INVALID: Final = "INVALID_GRAPHQL"


def check_applications(subgraph: ParsedSubgraph, problems: Problems) -> None:
    """Note every application that GraphQL does not allow (spec, section 5.7)."""
    for place in elements_of(subgraph.schema, subgraph.types):
        _check_place(place, subgraph, problems)
    for directive in subgraph.directives.values():
        for argument in directive.arguments.values() if directive.by_user else ():
            if argument.directives:
                at = f"@{directive.name}({argument.name}:)"
                _check_place(Place(argument, at, "ARGUMENT_DEFINITION"), subgraph, problems)


def _check_place(place: Place, subgraph: ParsedSubgraph, problems: Problems) -> None:
    counts = Counter(applied.name for applied in place.element.directives)
    doubled: set[str] = set()
    for applied in place.element.directives:
        name = applied.name
        definition = BUILT_IN_DIRECTIVES.get(name) or subgraph.directives.get(name)
        if definition is None:
            problems.add(_INVALID, _unknown(name, subgraph), place.coordinate)
            continue
        if place.location not in definition.locations:
            problems.add(
                _INVALID,
                f'Directive "@{name}" may not be used on {place.location} (at {place.coordinate}).',
                place.coordinate,
            )
        if counts[name] > 1 and not definition.repeatable and name not in doubled:
            doubled.add(name)
            problems.add(
                _INVALID,
                f'The directive "@{name}" can only be used once at {place.coordinate}.',
                place.coordinate,
            )
        _check_arguments(applied, definition, place, subgraph, problems)


def _check_arguments(
    applied: Applied,
    definition: DirectiveDefinition,
    place: Place,
    subgraph: ParsedSubgraph,
    problems: Problems,
) -> None:
    at = f'"@{applied.name}" at {place.coordinate}'
    for name, value in applied.arguments.items():
        argument = definition.arguments.get(name)
        if argument is None:
            problems.add(
                _INVALID,
                f'Unknown argument "{name}" of {at}.{did_you_mean(name, definition.arguments)}',
                place.coordinate,
            )
        elif name == "fields" and isinstance(value, NullValueNode) and applied.canonical:
            continue  # a field set that is no string has a code of its own
        elif not is_valid_literal(value, argument.type, subgraph.types):
            problems.add(
                _INVALID,
                f'Invalid value {print_ast(value)} for argument "{name}: {argument.type}" of {at}.',
                place.coordinate,
            )
    for argument in definition.arguments.values():
        if argument.is_required and argument.name not in applied.arguments:
            problems.add(
                _INVALID,
                f'The argument "{argument.name}: {argument.type}" of {at} is required, but not '
                "given.",
                place.coordinate,
            )


def _unknown(name: str, subgraph: ParsedSubgraph) -> str:
    """Say that a directive is unknown, and what was probably meant."""
    unknown = f'Unknown directive "@{name}".'
    if subgraph.links.broken:
        return f"{unknown} What this schema links is not known, because a @link is wrong."
    federation = subgraph.links.feature(FEDERATION)
    if federation is None:
        if name in _federation_directives(FEDERATION_VERSIONS[-1].minor):
            return (
                f"{unknown} It is a directive of federation 2, but this schema is a federation 1 "
                "schema: it needs a @link to the federation specification v2."
            )
    elif federation.version not in FEDERATION_VERSIONS:
        return f"{unknown} Nothing is known of federation {federation.version}."
    elif name in _federation_directives(federation.version.minor):
        local = federation.directive_name(name)
        imported = "@" + name in federation.imports
        mend = (
            f'Please use "@{local}", the name under which it is imported.'
            if imported
            else f'Please use "@{local}", or add "@{name}" to the imports of the @link to '
            "federation."
        )
        return f"{unknown} {mend}"
    else:
        own = federation.alias + "__"
        since = federation_since(name.removeprefix(own))
        if since is not None and since > federation.version:
            return f"{unknown} {too_old(federation.version, since)}"
    known = [f"@{other}" for other in (*subgraph.directives, *BUILT_IN_DIRECTIVES)]
    return unknown + did_you_mean(f"@{name}", known)


@lru_cache(maxsize=32)
def _federation_directives(minor: int) -> frozenset[str]:
    version = next(known for known in FEDERATION_VERSIONS if known.minor == minor)
    spec = find_spec(FEDERATION, version)
    return frozenset(directive.name for directive in spec.directives) if spec else frozenset()
