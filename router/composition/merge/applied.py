"""Directives applied to merged elements: what every subgraph says, said once.

Elements are noted while they are merged and their directives are merged at the end, because
access requirements travel between types that must all be there. ``@inaccessible`` alone is
merged at once: it decides what is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct, field

from router.composition.emit import Emitter
from router.composition.merge.features import Features
from router.composition.merge.state import Merge, Source
from router.composition.merge.strategies import ARGUMENT_STRATEGIES
from router.composition.merge.values import identity, read_value
from router.composition.merge.wording import differences, in_subgraphs
from router.composition.merged import ABSENT, BUILT_IN_DIRECTIVES, Application, Value
from router.composition.model import Applied, Element, Named, Subgraph

__all__ = ["AppliedMerger", "Target"]


class Target(Protocol):
    """A merged element to which directives are applied."""

    directives: list[Application]


_TEXT = Named("String")
AuthSources = Callable[[], Iterable[Source[Element]]]


class _Noted(Struct):
    target: Target
    sources: Sequence[Source[Element]]
    named: str
    coordinate: str | None
    travelling: AuthSources | None


class _Application(Struct):
    """What one or more subgraphs apply; ``complete`` are the arguments with their defaults."""

    canonical: str | None
    arguments: dict[str, Value]
    complete: dict[str, Value]
    subgraphs: list[str]


class AppliedMerger(Struct):
    """Notes merged elements with their sources, and merges their directives."""

    merge: Merge
    features: Features
    noted: list[_Noted] = field(default_factory=list)

    def note(
        self,
        target: Target,
        sources: Sequence[Source[Element]],
        named: str,
        coordinate: str | None,
        *,
        travelling: AuthSources | None = None,
    ) -> None:
        """Remember an element.

        ``travelling`` gives elements whose access requirements hold for this one too; where it
        is given (even if it gives none), those requirements are printed first.
        """
        if self._is_inaccessible(sources):
            target.directives.append(Application(self.features.names["inaccessible"]))
        if (travelling is not None and self.features.auth) or any(
            element.directives for _, element in sources
        ):
            self.noted.append(_Noted(target, sources, named, coordinate, travelling))

    def forget(self, target: Target) -> None:
        """Take back the note about an element that is not in the supergraph after all."""
        if self.noted and self.noted[-1].target is target:
            self.noted.pop()

    def _is_inaccessible(self, sources: Iterable[Source[Element]]) -> bool:
        return "inaccessible" in self.features.names and any(
            element.directives and element.is_applied("inaccessible") for _, element in sources
        )

    def merge_noted(self) -> None:
        """Merge the directives of every element noted."""
        for noted in self.noted:
            self._merge_element(noted)
        self.noted.clear()

    def _merge_element(self, noted: _Noted) -> None:
        groups: dict[str, list[Source[Applied]]] = {}
        if noted.travelling is not None:
            everything = [*noted.sources, *noted.travelling()]
            for canonical in self.features.auth:
                found = [
                    Source(subgraph, applied)
                    for subgraph, element in everything
                    for applied in element.applications(canonical)
                ]
                if found:
                    groups[self.features.names[canonical]] = found
        travelled = frozenset(groups)
        own: dict[str, list[Source[Applied]]] = {}
        for subgraph, element in noted.sources:
            for applied in element.directives:
                name = self.features.supergraph_name(applied)
                if name is None or name in travelled or applied.canonical == "inaccessible":
                    continue
                own.setdefault(name, []).append(Source(subgraph, applied))
                # a composed directive comes, and has its place, by a subgraph that composes it
                if subgraph.name in self.features.composed.get(name, (subgraph.name,)):
                    groups.setdefault(name, own[name])
        for name, found in groups.items():
            noted.target.directives += self._merge_directive(name, found, noted)

    # one directive ------------------------------------------------------------------------

    def _merge_directive(
        self, name: str, sources: Sequence[Source[Applied]], noted: _Noted
    ) -> list[Application]:
        definition = self.merge.schema.directives.get(name)
        # a subgraph's own definition may have a default where the specification has none
        arguments = definition.arguments.values() if definition is not None else ()
        required = frozenset(argument.name for argument in arguments if argument.is_required)
        distinct = self._distinct(sources, required)
        if len(distinct) == 1 or (definition is not None and definition.repeatable):
            return [Application(name, each.arguments) for each in distinct]
        canonical = distinct[0].canonical
        if canonical is not None and canonical in ARGUMENT_STRATEGIES:
            return [self._by_strategy(name, canonical, distinct, noted)]
        return [self._most_frequent(name, distinct, noted)]

    def _distinct(
        self, sources: Sequence[Source[Applied]], required: frozenset[str]
    ) -> list[_Application]:
        found: dict[Hashable, _Application] = {}
        for subgraph, applied in sources:
            arguments = self._arguments(subgraph, applied)
            defaults = _defaults(subgraph, applied)
            complete = {**defaults, **arguments}
            arguments |= {
                name: defaults[name] for name in required - arguments.keys() & defaults.keys()
            }
            # null is as if nothing were said, where there is no default
            said: Value = {name: value for name, value in complete.items() if value is not None}
            seen = found.setdefault(
                identity(said), _Application(applied.canonical, arguments, complete, [])
            )
            seen.subgraphs.append(subgraph.name)
        return list(found.values())

    def _arguments(self, subgraph: Subgraph, applied: Applied) -> dict[str, Value]:
        definition = subgraph.directives.get(applied.name)
        arguments: dict[str, Value] = {}
        for name, node in applied.arguments.items():
            known = definition.arguments.get(name) if definition is not None else None
            arguments[name] = read_value(node, known.type if known else _TEXT, subgraph.types)
        if applied.canonical == "context":
            arguments["name"] = f"{subgraph.name}__{arguments['name']}"
        return arguments

    def _by_strategy(
        self, name: str, canonical: str, distinct: Sequence[_Application], noted: _Noted
    ) -> Application:
        strategies = ARGUMENT_STRATEGIES[canonical]
        merged: dict[str, Value] = {}
        for argument, (_, strategy) in strategies.items():
            value = strategy([each.complete.get(argument) for each in distinct])
            if value is not None:
                merged[argument] = value
        texts = ", ".join(f'"{argument}": {text}' for argument, (text, _) in strategies.items())
        names = [each for one in distinct for each in one.subgraphs]
        self.merge.findings.hint(
            "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
            f"Directive @{name} is applied to {noted.named} with different arguments "
            f"{in_subgraphs(dict.fromkeys(names))}; they are merged by {{ {texts} }}.",
        )
        return Application(name, merged)

    def _most_frequent(
        self, name: str, distinct: Sequence[_Application], noted: _Noted
    ) -> Application:
        winner = max(distinct, key=lambda each: len(each.subgraphs))
        told = [name for each in distinct for name in each.subgraphs]
        repeating = [name for name, count in Counter(told).items() if count > 1]
        if repeating:
            # only where another version of a composed directive made it repeatable
            self.merge.findings.error(
                "INVALID_GRAPHQL",
                f"Directive @{name} is applied to {noted.named} several times "
                f"{in_subgraphs(repeating)}, but it is not repeatable in the supergraph.",
                repeating,
                *filter(None, [noted.coordinate]),
            )
            return Application(name, winner.arguments)
        others = [each for each in distinct if each is not winner]
        said = {self._shown(name, each): each.subgraphs for each in (winner, *others)}
        self.merge.findings.hint(
            "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
            f"Directive @{name} is applied to {noted.named} with different arguments, as "
            f"{differences(said)}: the first is kept.",
            noted.coordinate,
        )
        return Application(name, winner.arguments)

    def _shown(self, name: str, applied: _Application) -> str:
        definition = self.merge.schema.directives.get(name) or BUILT_IN_DIRECTIVES.get(name)
        known = definition.arguments if definition is not None else {}
        emitter = Emitter(self.merge.schema)
        arguments = ", ".join(
            f"{each}: {emitter.value(value, known[each].type if each in known else 'String')}"
            for each, value in applied.arguments.items()
        )
        return f"@{name}({arguments})" if arguments else f"@{name}"


def _defaults(subgraph: Subgraph, applied: Applied) -> dict[str, Value]:
    """Return the defaults of a directive's arguments, as its subgraph defines them."""
    definition = subgraph.directives.get(applied.name)
    if definition is not None:
        return {
            name: read_value(argument.default, argument.type, subgraph.types)
            for name, argument in definition.arguments.items()
            if argument.default is not None
        }
    built_in = BUILT_IN_DIRECTIVES.get(applied.name)
    return {
        name: argument.default
        for name, argument in (built_in.arguments.items() if built_in is not None else ())
        if argument.default is not ABSENT
    }
