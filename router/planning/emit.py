"""Drafts -> :class:`Plan`: fetches that are ready together travel together, then all is printed.

Entity drafts of one depth and subgraph become one request with an ``_entities`` field for each;
equal ones share a field, their objects one list without duplicates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from router.planning.alternatives import Alternatives, ordered, remaining, within
from router.planning.drafts import Draft, DraftInput, depths, plan_path
from router.planning.fetches import input_selections
from router.planning.operation import Operation
from router.planning.plan import (
    ContextArgument,
    EntityCall,
    Fetch,
    Input,
    OperationKind,
    Path,
    Rename,
    VariableUse,
    When,
)
from router.planning.printing import operation_text, print_selection

__all__ = ["emit_fetches"]

MAX_ALTERNATIVES: Final = 16
"""A request with more alternatives than these is sent without looking at them."""


class _Call(Struct):
    """An ``_entities`` field to be: equal ones are joined by ``paths``."""

    inputs: tuple[Input, ...]
    selection: str
    renames: tuple[Rename, ...]
    context: tuple[ContextArgument, ...]
    variables: frozenset[str]
    paths: list[Path] = field(default_factory=list)


class _Request(Struct, eq=False):
    """A fetch to be, from one draft or several entity drafts."""

    drafts: list[Draft]
    condition: frozenset[When]


def emit_fetches(
    drafts: Sequence[Draft], operation: Operation, *, batch: bool
) -> tuple[tuple[Fetch, ...], Mapping[int, int]]:
    """Print all drafts; also returns which fetch each draft (by id) became part of."""
    level = depths(drafts)
    requests = _requests(sorted(drafts, key=lambda d: (level[d.id], d.id)), level, batch=batch)
    fetch_of = {
        draft.id: index for index, request in enumerate(requests) for draft in request.drafts
    }
    after = _reduced(
        [
            {fetch_of[parent.id] for draft in request.drafts for parent in draft.parents}
            for request in requests
        ]
    )
    fetches = tuple(
        _fetch(index, request, operation, after[index]) for index, request in enumerate(requests)
    )
    return fetches, fetch_of


def _requests(drafts: Iterable[Draft], level: Mapping[int, int], *, batch: bool) -> list[_Request]:
    requests: list[_Request] = []
    open_requests: dict[tuple[object, ...], _Request] = {}
    for draft in drafts:
        condition = draft.condition
        if not draft.is_entity or not batch:
            requests.append(_Request([draft], condition))
            continue
        place = (draft.subgraph.index, level[draft.id], draft.group, draft.defer)
        known = open_requests.get(place)
        if known is None:
            known = open_requests[place] = _Request([], condition)
            requests.append(known)
        known.drafts.append(draft)
        known.condition &= condition  # what only some demand guards their inputs
    return requests


def _reduced(parents: Sequence[set[int]]) -> list[tuple[int, ...]]:
    """Direct dependencies only: what another parent waits for is not named again."""
    above: list[set[int]] = []
    reduced: list[tuple[int, ...]] = []
    for direct in parents:
        beyond = set().union(*(above[parent] for parent in direct)) if direct else set()
        above.append(direct | beyond)
        reduced.append(tuple(sorted(direct - beyond)))
    return reduced


def _fetch(index: int, request: _Request, operation: Operation, after: tuple[int, ...]) -> Fetch:
    first = request.drafts[0]
    name = None
    if operation.name is not None:
        name = f"{operation.name}__{re.sub(r'[^_0-9A-Za-z]', '_', first.subgraph.name)}__{index}"
    when, any_of = ordered(request.condition), _any_of(request)
    fragments: dict[str, str] = {}
    if not first.is_entity:
        printed = print_selection(
            first.tree, first.subgraph, request.condition, fragments=fragments
        )
        directives, used = operation.directives.get(first.kind, ("", ()))
        variables = _declared(printed.variables.union(used), operation)
        extra = [(context.variable, context.type) for context in first.contexts]
        return Fetch(
            id=index,
            subgraph=first.subgraph.name,
            kind=first.kind,
            operation=operation_text(
                first.kind.value,
                name,
                variables,
                extra,
                printed.text,
                _definitions(fragments),
                directives,
            ),
            operation_name=name,
            variables=variables,
            at=plan_path(first.spot),
            renames=printed.renames,
            after=after,
            when=when,
            any_of=any_of,
        )
    calls = _calls(request, any_of, fragments)
    directives, used = operation.directives.get(OperationKind.QUERY, ("", ()))
    variables = _declared(frozenset(used).union(*(call.variables for call in calls)), operation)
    entities = _entities(calls, {use.name for use in variables})
    extra = [(call.variable, "[_Any!]!") for call in entities]
    extra += [(c.variable, c.type) for call in entities for c in call.context]
    body = " ".join(
        f"{'' if call.alias == '_entities' else call.alias + ':'}"
        f"_entities(representations:${call.variable}){{{call.selection}}}"
        for call in entities
    )
    return Fetch(
        id=index,
        subgraph=first.subgraph.name,
        kind=OperationKind.QUERY,
        operation=operation_text(
            "query", name, variables, extra, body, _definitions(fragments), directives
        ),
        operation_name=name,
        variables=variables,
        entities=entities,
        after=after,
        when=when,
        any_of=any_of,
    )


def _any_of(request: _Request) -> tuple[tuple[When, ...], ...]:
    """What beyond the request's condition must hold for one of its parts to be wanted."""
    found = {each for draft in request.drafts for each in draft.alternatives()}
    _, any_of = remaining(found, (request.condition,))
    return any_of if len(any_of) <= MAX_ALTERNATIVES else ()


def _definitions(fragments: Mapping[str, str]) -> list[str]:
    return [f"fragment {name} {definition}" for definition, name in fragments.items()]


def _calls(
    request: _Request, any_of: tuple[tuple[When, ...], ...], fragments: dict[str, str]
) -> list[_Call]:
    calls: dict[tuple[object, ...], _Call] = {}
    given = frozenset(request.condition.union(each) for each in any_of or ((),))
    for draft in request.drafts:
        condition = draft.condition
        printed = print_selection(
            draft.tree, draft.subgraph, condition, draft.sent_types, fragments
        )
        inputs = tuple(_input(sent, condition, given) for _, sent in sorted(draft.inputs.items()))
        call = _Call(
            inputs, printed.text, printed.renames, tuple(draft.contexts), printed.variables
        )
        key = (call.inputs, call.selection, call.renames, call.context)
        calls.setdefault(key, call).paths.append(plan_path(draft.spot))
    return list(calls.values())


def _input(sent: DraftInput, condition: frozenset[When], given: Alternatives) -> Input:
    """How objects are sent, where one of ``given`` holds and ``condition`` is the draft's."""
    when, any_of = remaining(sent.alternatives, given)
    known = within([each | condition for each in sent.alternatives], given)
    return Input(sent.on, input_selections(sent.parts, known), sent.typename, when, any_of)


def _entities(calls: Sequence[_Call], taken: set[str]) -> tuple[EntityCall, ...]:
    single = len(calls) == 1
    found: list[EntityCall] = []
    for number, call in enumerate(calls):
        variable = "representations" if single else f"representations{number}"
        while variable in taken:
            variable = f"_{variable}"
        found.append(
            EntityCall(
                alias="_entities" if single else f"_e{number}",
                variable=variable,
                paths=tuple(dict.fromkeys(call.paths)),
                inputs=call.inputs,
                selection=call.selection,
                renames=call.renames,
                context=call.context,
            )
        )
    return tuple(found)


def _declared(used: frozenset[str], operation: Operation) -> tuple[VariableUse, ...]:
    return tuple(use for name, use in operation.variables.items() if name in used)
