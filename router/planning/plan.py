"""The plan: a frozen DAG of fetches, the only planning module that others import.

A fetch names the fetches it comes ``after`` and starts when they are in. Nothing here runs;
:mod:`router.execution` compiles a plan, :mod:`router.planning.explain` prints it for people.

A path says where in the answer something lies: response keys, ``EACH`` for one list level,
and :class:`OnTypes` where only some runtime types are meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, TypeAlias

from msgspec import Struct

__all__ = [
    "EACH",
    "ContextArgument",
    "Deferred",
    "EntityCall",
    "Fetch",
    "Input",
    "InputField",
    "InputFragment",
    "InputSelection",
    "OnTypes",
    "OperationKind",
    "Path",
    "PathItem",
    "Plan",
    "Rename",
    "VariableUse",
    "When",
    "keys_of",
]

EACH: Final = "@"
"""One list level in a path; no response key can be ``@``."""


class OperationKind(Enum):
    """What a fetch (or a whole plan) is."""

    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


class OnTypes(Struct, frozen=True):
    """Keep only objects of these runtime types (sorted names)."""

    types: tuple[str, ...]


PathItem: TypeAlias = str | OnTypes
Path: TypeAlias = tuple[PathItem, ...]


def keys_of(path: Iterable[object]) -> tuple[str, ...]:
    """The response keys of a path, without list levels and narrowings."""
    return tuple(item for item in path if isinstance(item, str) and item != EACH)


class When(Struct, frozen=True):
    """A condition on a Boolean variable: the fetch runs iff ``variables[variable] is value``."""

    variable: str
    value: bool


class InputField(Struct, frozen=True):
    """A property of a representation.

    ``name`` is its name in the representation, ``key`` the key under which the data tree holds
    it (an internal alias where the client occupied the name). ``when`` and ``any_of`` (one of
    which must hold as well): conditions under which the value is fetched at all; where they are
    false the property is left out and not missed.
    ``required`` marks values of ``@requires``: null is sent on, while a null key field stops
    the representation.
    """

    name: str
    key: str
    selections: tuple[InputSelection, ...] = ()
    required: bool = False
    when: tuple[When, ...] = ()
    any_of: tuple[tuple[When, ...], ...] = ()


class InputFragment(Struct, frozen=True):
    """Properties that only objects of type ``on`` (or its possible types) contribute."""

    on: str
    selections: tuple[InputSelection, ...]


InputSelection: TypeAlias = InputField | InputFragment


class Input(Struct, frozen=True):
    """How objects of type ``on`` (object or abstract) become representations.

    ``typename``: what to send as ``__typename`` instead of the runtime type (targets that are
    interfaces or interface objects; objects whose type is certain, so that no ``__typename`` was
    fetched), or None. ``when`` and ``any_of`` (one of which must hold as well): conditions without
    which objects of this type are not asked for.
    """

    on: str
    selections: tuple[InputSelection, ...]
    typename: str | None = None
    when: tuple[When, ...] = ()
    any_of: tuple[tuple[When, ...], ...] = ()


class Rename(Struct, frozen=True):
    """An internal alias of a subgraph answer, to be undone before merging.

    ``path`` is relative to the fetched object, lists are passed through; the value at key
    ``alias`` becomes ``name`` on objects whose ``__typename`` fits the ``OnTypes`` of the path.
    """

    path: Path
    alias: str
    name: str


class ContextArgument(Struct, frozen=True):
    """An argument filled from an ancestor (``@fromContext``).

    ``variable`` is the operation's variable, ``depth`` how many keys of the response path to go
    up from the entity, ``selections`` the value there: one field chain, possibly by type.
    Representations with different values travel in different fields of a request.
    """

    variable: str
    type: str
    depth: int
    selections: tuple[InputSelection, ...]


class EntityCall(Struct, frozen=True):
    """One ``_entities`` field of a fetch.

    ``alias`` is its response key, ``variable`` the name of its representations' variable,
    ``paths`` where its objects lie (several places share one de-duplicated list), and
    ``selection`` the printed selection set per type, without the outer braces.
    """

    alias: str
    variable: str
    paths: tuple[Path, ...]
    inputs: tuple[Input, ...]
    selection: str
    renames: tuple[Rename, ...] = ()
    context: tuple[ContextArgument, ...] = ()


class VariableUse(Struct, frozen=True):
    """A client variable that a subgraph operation declares: its type and default as printed."""

    name: str
    type: str
    default: str | None = None


class Fetch(Struct, frozen=True, kw_only=True):
    """One request to one subgraph.

    A root fetch has no ``entities`` and merges its data at ``at`` (``()`` but for re-entry of the
    query root below a field). ``operation`` is the whole printed operation, also for entities.
    ``when`` is a conjunction, ``any_of`` are conjunctions of which one must hold as well (none: no
    matter); a fetch whose conditions fail counts as finished.
    ``selects``: number of selected fields, for cost accounting.
    """

    id: int
    subgraph: str
    kind: OperationKind
    operation: str
    operation_name: str | None = None
    variables: tuple[VariableUse, ...] = ()
    at: Path = ()
    entities: tuple[EntityCall, ...] = ()
    renames: tuple[Rename, ...] = ()
    after: tuple[int, ...] = ()
    when: tuple[When, ...] = ()
    any_of: tuple[tuple[When, ...], ...] = ()


class Deferred(Struct, frozen=True, kw_only=True):
    """A ``@defer`` block: delivered when ``fetches`` are in.

    ``path`` is where its objects lie, ``selection`` the printed sub-selection of the client's
    operation (inner blocks marked with ``@defer``, so that their ``if`` decides), ``when`` the
    variables of ``@defer(if:)``: where they do not hold, the block belongs to the answer around
    it. ``exists``: the ``@skip`` and ``@include`` conditions around it, without which there is no
    block.
    ``parent`` is the label of the enclosing block. Fetches listed here are not waited for by
    the initial answer.
    """

    label: str
    client_label: str | None
    path: Path
    selection: str
    fetches: tuple[int, ...]
    parent: str | None = None
    when: tuple[When, ...] = ()
    exists: tuple[When, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """All fetches of one operation in topological order (parents first).

    Empty for operations answered locally. For subscriptions the first fetch is the source and
    the others run per event. ``optimal`` is False where the search budget ran out.
    """

    kind: OperationKind
    fetches: tuple[Fetch, ...]
    deferred: tuple[Deferred, ...] = ()
    optimal: bool = True

    @property
    def depth(self) -> int:
        """The longest chain of fetches, 0 for an empty plan."""
        depths: dict[int, int] = {}
        for fetch in self.fetches:
            depths[fetch.id] = 1 + max((depths[parent] for parent in fetch.after), default=0)
        return max(depths.values(), default=0)
