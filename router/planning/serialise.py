"""Plan <-> plain data, so that plans can be stored, reviewed and loaded without planning.

The form is stable: keys in one order, defaults left out, one version number. ``dump`` of a loaded
plan gives the same data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from router.errors import SettingsInvalid
from router.planning.plan import (
    ContextArgument,
    Deferred,
    EntityCall,
    Fetch,
    Input,
    InputField,
    InputFragment,
    InputSelection,
    OnTypes,
    OperationKind,
    Path,
    Plan,
    Rename,
    VariableUse,
    When,
)

__all__ = ["FORMAT", "dump", "load"]

FORMAT: Final = 1
"""The version of the form; a plan of another version is refused."""


def dump(plan: Plan) -> dict[str, Any]:
    """A plan as JSON-ready data."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "kind": plan.kind.value,
        "fetches": [_fetch(fetch) for fetch in plan.fetches],
    }
    if plan.deferred:
        data["deferred"] = [_deferred(block) for block in plan.deferred]
    if not plan.optimal:
        data["optimal"] = False
    return data


def load(data: Mapping[str, Any]) -> Plan:
    """The plan that :func:`dump` wrote; raises SettingsInvalid for anything else."""
    written = data.get("format") if hasattr(data, "get") else None
    if written != FORMAT:
        raise SettingsInvalid(
            f"This plan has format {written!r}, but this router reads format {FORMAT}: "
            "compile the manifest again (python -m router plan --manifest)."
        )
    try:
        return Plan(
            kind=OperationKind(data["kind"]),
            fetches=tuple(_load_fetch(item) for item in data["fetches"]),
            deferred=tuple(_load_deferred(item) for item in data.get("deferred", ())),
            optimal=data.get("optimal", True),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsInvalid(
            f"This is no plan ({type(error).__name__}: {error}): compile the manifest again "
            "(python -m router plan --manifest)."
        ) from error


def _fetch(fetch: Fetch) -> dict[str, Any]:
    return {
        "id": fetch.id,
        "subgraph": fetch.subgraph,
        "kind": fetch.kind.value,
        **_filled(
            after=list(fetch.after),
            when=_when(fetch.when),
            anyOf=_any_of(fetch.any_of),
            at=_path(fetch.at),
            operationName=fetch.operation_name,
            variables=[
                {"name": use.name, "type": use.type, **_filled(default=use.default)}
                for use in fetch.variables
            ],
            entities=[_call(call) for call in fetch.entities],
            renames=_renames(fetch.renames),
        ),
        "operation": fetch.operation,
    }


def _call(call: EntityCall) -> dict[str, Any]:
    return {
        "alias": call.alias,
        "variable": call.variable,
        "paths": [_path(path) for path in call.paths],
        "inputs": [
            {
                "on": item.on,
                "select": _inputs(item.selections),
                **_filled(
                    typename=item.typename, when=_when(item.when), anyOf=_any_of(item.any_of)
                ),
            }
            for item in call.inputs
        ],
        "selection": call.selection,
        **_filled(
            renames=_renames(call.renames),
            context=[
                {
                    "variable": context.variable,
                    "type": context.type,
                    "depth": context.depth,
                    "select": _inputs(context.selections),
                }
                for context in call.context
            ],
        ),
    }


def _deferred(block: Deferred) -> dict[str, Any]:
    return {
        "label": block.label,
        **_filled(
            clientLabel=block.client_label,
            parent=block.parent,
            when=_when(block.when),
            exists=_when(block.exists),
        ),
        "path": _path(block.path),
        "selection": block.selection,
        "fetches": list(block.fetches),
    }


def _filled(**items: Any) -> dict[str, Any]:
    return {name: value for name, value in items.items() if value is not None and value != []}


def _any_of(alternatives: Sequence[Sequence[When]]) -> list[list[list[Any]]]:
    return [_when(each) for each in alternatives]


def _when(conditions: Sequence[When]) -> list[list[Any]]:
    return [[condition.variable, condition.value] for condition in conditions]


def _path(path: Path) -> list[Any]:
    return [item if isinstance(item, str) else {"types": list(item.types)} for item in path]


def _renames(renames: Sequence[Rename]) -> list[dict[str, Any]]:
    return [{"path": _path(r.path), "alias": r.alias, "name": r.name} for r in renames]


def _inputs(selections: Sequence[InputSelection]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in selections:
        if isinstance(item, InputFragment):
            found.append({"on": item.on, "select": _inputs(item.selections)})
        else:
            found.append(
                {
                    "name": item.name,
                    **_filled(
                        key=item.key if item.key != item.name else None,
                        select=_inputs(item.selections),
                        required=True if item.required else None,
                        when=_when(item.when),
                        anyOf=_any_of(item.any_of),
                    ),
                }
            )
    return found


def _load_fetch(data: Mapping[str, Any]) -> Fetch:
    return Fetch(
        id=data["id"],
        subgraph=data["subgraph"],
        kind=OperationKind(data["kind"]),
        operation=data["operation"],
        operation_name=data.get("operationName"),
        variables=tuple(
            VariableUse(use["name"], use["type"], use.get("default"))
            for use in data.get("variables", ())
        ),
        at=_load_path(data.get("at", ())),
        entities=tuple(_load_call(call) for call in data.get("entities", ())),
        renames=_load_renames(data.get("renames", ())),
        after=tuple(data.get("after", ())),
        when=_load_when(data.get("when", ())),
        any_of=_load_any_of(data),
    )


def _load_call(data: Mapping[str, Any]) -> EntityCall:
    return EntityCall(
        alias=data["alias"],
        variable=data["variable"],
        paths=tuple(_load_path(path) for path in data["paths"]),
        inputs=tuple(
            Input(
                item["on"],
                _load_inputs(item["select"]),
                item.get("typename"),
                _load_when(item.get("when", ())),
                _load_any_of(item),
            )
            for item in data["inputs"]
        ),
        selection=data["selection"],
        renames=_load_renames(data.get("renames", ())),
        context=tuple(
            ContextArgument(
                item["variable"], item["type"], item["depth"], _load_inputs(item["select"])
            )
            for item in data.get("context", ())
        ),
    )


def _load_deferred(data: Mapping[str, Any]) -> Deferred:
    return Deferred(
        label=data["label"],
        client_label=data.get("clientLabel"),
        path=_load_path(data["path"]),
        selection=data["selection"],
        fetches=tuple(data["fetches"]),
        parent=data.get("parent"),
        when=_load_when(data.get("when", ())),
        exists=_load_when(data.get("exists", ())),
    )


def _load_when(data: Sequence[Sequence[Any]]) -> tuple[When, ...]:
    return tuple(When(variable, value) for variable, value in data)


def _load_any_of(data: Mapping[str, Any]) -> tuple[tuple[When, ...], ...]:
    return tuple(_load_when(each) for each in data.get("anyOf", ()))


def _load_path(data: Sequence[Any]) -> Path:
    return tuple(item if isinstance(item, str) else OnTypes(tuple(item["types"])) for item in data)


def _load_renames(data: Sequence[Mapping[str, Any]]) -> tuple[Rename, ...]:
    return tuple(Rename(_load_path(r["path"]), r["alias"], r["name"]) for r in data)


def _load_inputs(data: Sequence[Mapping[str, Any]]) -> tuple[InputSelection, ...]:
    found: list[InputSelection] = []
    for item in data:
        inner = _load_inputs(item.get("select", ()))
        if "on" in item:
            found.append(InputFragment(item["on"], inner))
        else:
            found.append(
                InputField(
                    item["name"],
                    item.get("key", item["name"]),
                    inner,
                    item.get("required", False),
                    _load_when(item.get("when", ())),
                    _load_any_of(item),
                )
            )
    return tuple(found)
