"""Objects of the data tree -> representations, one by one, by the rules.

This is the plain form of what :mod:`router.execution.gathering` generates: walk a path, build
what is sent for each object found. It serves plans that need more than the generated form has
(context arguments, conditional inputs), answers that are not what they should be, and the
mapping of errors, which needs to know where each representation came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from router.execution.types import Types
from router.planning.plan import EACH, Fetch, Input, InputField, InputSelection, OnTypes, Path, When

__all__ = ["ClientPath", "Found", "holds", "is_wanted", "pick", "represent", "walk"]

ClientPath: TypeAlias = tuple[str | int, ...]


class Found(Struct):
    """An object at a path: ``above`` are the objects whose keys lead to it, outermost first."""

    value: dict[str, Any]
    path: ClientPath
    above: tuple[dict[str, Any], ...]


def holds(conditions: Sequence[When], variables: Mapping[str, Any]) -> bool:
    """Return whether a conjunction is true."""
    return all(variables.get(each.variable) is each.value for each in conditions)


def is_wanted(part: Fetch | Input | InputField, variables: Mapping[str, Any]) -> bool:
    """Return whether the conditions of a part of the plan are met."""
    if part.when and not holds(part.when, variables):
        return False
    return not part.any_of or any(holds(each, variables) for each in part.any_of)


def walk(tree: Any, path: Path, types: Types) -> Iterator[Found]:
    """Yield the objects at ``path``; nulls and other types are passed over, indexes kept."""
    yield from _walk(tree, path, 0, (), (), types)


def _walk(
    value: Any,
    path: Path,
    step: int,
    where: ClientPath,
    above: tuple[dict[str, Any], ...],
    types: Types,
) -> Iterator[Found]:
    if isinstance(value, list):
        after = step + 1 if step < len(path) and path[step] == EACH else step
        for index, item in enumerate(value):
            yield from _walk(item, path, after, (*where, index), above, types)
    elif isinstance(value, dict):
        if step == len(path):
            yield Found(value, where, above)
            return
        item = path[step]
        if isinstance(item, OnTypes):
            name = value.get("__typename")
            if not isinstance(name, str) or any(types.fits(name, on) for on in item.types):
                yield from _walk(value, path, step + 1, where, above, types)
        elif item in value:
            yield from _walk(value[item], path, step + 1, (*where, item), (*above, value), types)


def represent(
    value: dict[str, Any],
    inputs: Sequence[Input],
    static: str | None,
    types: Types,
    variables: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Build what is sent for an object, or None where it cannot be sent.

    Not sent: objects of no known type, of a type that no input means, lacking a property, or
    with no key but nulls.
    """
    name = value.get("__typename")
    runtime = name if isinstance(name, str) else static
    if runtime is None:
        return None
    sent: dict[str, Any] = {"__typename": runtime}
    builder = _Builder(types, variables)
    applied = False
    for each in inputs:
        if types.fits(runtime, each.on) and is_wanted(each, variables):
            applied = True
            if each.typename is not None:
                sent["__typename"] = each.typename
            if not builder.fill(sent, value, each.selections, runtime, key=True):
                return None
    if not applied or (builder.keys and not builder.known):
        return None
    return sent


class _Builder:
    """Fills representations and counts key leaves: a key of nulls names nobody."""

    def __init__(self, types: Types, variables: Mapping[str, Any]) -> None:
        self._types = types
        self._variables = variables
        self.keys = 0
        self.known = 0

    def fill(
        self,
        sent: dict[str, Any],
        value: dict[str, Any],
        selections: Sequence[InputSelection],
        runtime: str | None,
        *,
        key: bool,
    ) -> bool:
        """Add the selected properties; False where one is missing."""
        for selection in selections:
            if isinstance(selection, InputField):
                if not self._field(sent, value, selection, runtime, key=key):
                    return False
            elif runtime is None or self._types.fits(runtime, selection.on):
                part: dict[str, Any] = {}
                if self.fill(part, value, selection.selections, runtime, key=key):
                    sent.update(part)
        return True

    def _field(
        self,
        sent: dict[str, Any],
        value: dict[str, Any],
        field: InputField,
        runtime: str | None,
        *,
        key: bool,
    ) -> bool:
        if field.name == "__typename":
            return True
        if not is_wanted(field, self._variables):
            return True
        if field.key not in value:
            return False
        found = value[field.key]
        counts = key and not field.required
        if not field.selections:
            if counts:
                self.keys += 1
                self.known += found is not None
            sent[field.name] = found
            return True
        if counts and found is None:
            self.keys += 1
        converted = self._convert(found, field, key=counts)
        sent[field.name] = converted
        return converted is not _MISSING

    def _convert(self, found: Any, field: InputField, *, key: bool) -> Any:
        if isinstance(found, list):
            items = [self._convert(item, field, key=key) for item in found]
            return _MISSING if any(item is _MISSING for item in items) else items
        if not isinstance(found, dict):
            return None
        name = found.get("__typename")
        runtime = name if isinstance(name, str) else None
        part: dict[str, Any] = {}
        if runtime is not None and _has_fragments(field.selections):
            part["__typename"] = runtime
        return part if self.fill(part, found, field.selections, runtime, key=key) else _MISSING


def pick(
    value: dict[str, Any],
    selections: Sequence[InputSelection],
    types: Types,
    variables: Mapping[str, Any],
) -> Any:
    """Return the one leaf that a chain of selections names (context arguments), or None."""
    name = value.get("__typename")
    runtime = name if isinstance(name, str) else None
    for selection in selections:
        if isinstance(selection, InputField):
            if not is_wanted(selection, variables):
                continue
            return _descend(value.get(selection.key), selection, types, variables)
        if runtime is None or types.fits(runtime, selection.on):
            found = pick(value, selection.selections, types, variables)
            if found is not None:
                return found
    return None


def _descend(found: Any, field: InputField, types: Types, variables: Mapping[str, Any]) -> Any:
    if isinstance(found, list):
        return [_descend(item, field, types, variables) for item in found]
    if field.selections and isinstance(found, dict):
        return pick(found, field.selections, types, variables)
    return found


def _has_fragments(selections: Sequence[InputSelection]) -> bool:
    return any(not isinstance(each, InputField) or each.name == "__typename" for each in selections)


_MISSING: Any = object()
