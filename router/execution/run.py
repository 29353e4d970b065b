"""One execution of a plan: a fetch starts when the fetches that it comes after are in.

Counters and callbacks, no task per fetch. Preparing a request and storing an answer are
synchronous, so the answers need no lock; answers are never changed, and nothing is merged here.
What to make of them is decided once, when all are in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import orjson

from router.errors import SubgraphError
from router.execution.admission import Admission
from router.execution.client import (
    NO_HEADERS,
    UNREAD,
    Cancel,
    Outcome,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)
from router.execution.contexts import Parcel, parcels
from router.execution.gathering import Gathering
from router.execution.generating import attribute
from router.execution.merging import Reply, gather, merge_all, rename
from router.execution.overlap import Mismatch
from router.execution.program import Program
from router.execution.representations import is_wanted
from router.execution.starting import begin
from router.execution.state import State
from router.execution.steps import FetchStep
from router.planning.plan import OperationKind

__all__ = ["HeadersFor", "Run"]

_LOG: Final = logging.getLogger(__name__)

HeadersFor: TypeAlias = Mapping[str, str] | Callable[[str], Mapping[str, str]]


class Run(State):
    """One execution of a program.

    ``plain``: something is not as generated code needs it; ``failed``: a fetch brought nothing;
    ``shared``: all answers were told to other runs too. ``typed`` is the code for typed objects
    where all of them are such.
    """

    __slots__ = (
        "_admission",
        "_cancels",
        "_clients",
        "_done",
        "_headers",
        "_left",
        "_outcomes",
        "_program",
        "_replies",
        "_tickets",
        "_waiting",
        "broken",
        "failed",
        "over",
        "plain",
        "shared",
        "typed",
        "variables",
        "watch",
    )

    def __init__(
        self,
        program: Program,
        variables: Mapping[str, Any],
        clients: Mapping[str, SubgraphClient],
        done: Callable[[Run], None],
        headers: HeadersFor = NO_HEADERS,
        admission: Admission | None = None,
    ) -> None:
        super().__init__(len(program.steps), program.calls)
        self._program = program
        self._clients = clients
        self._done = done
        self._headers = headers
        self._admission = admission
        self._left = len(program.steps)
        self._waiting = program.counters.copy()
        self._outcomes: list[Outcome | None] = [None] * len(program.steps)
        self._replies: dict[int, list[Reply]] = {}
        self._cancels: dict[int, Cancel] = {}
        self._tickets = 0
        self.variables = variables
        self.plain = not program.generated
        self.typed = program.typed_for(clients)
        self.over = False
        self.broken = False
        self.failed = False
        self.shared = True
        self.watch: Callable[[int], None] | None = None

    def start(self, source: Outcome | None = None) -> None:
        """Start all that waits for nothing; ``source`` is a subscription's event."""
        if not self._left:
            self._complete()
            return
        self._program.running.add(self)
        try:
            for step in self._program.roots:
                if source is not None and step.index == 0:
                    self._arrived(step, source)
                else:
                    self._start(step)
        except Exception as error:  # noqa: BLE001  # a defect here must not leave anybody waiting
            self._break(error)

    def _break(self, error: Exception) -> None:
        """End with a defect of our own, told by its type alone: its text may hold data."""
        _LOG.error("The execution broke: %s", type(error).__name__)
        if not self.over:
            self.cancel()
            self.broken = True
            self._done(self)

    def cancel(self) -> None:
        """Give up: no request goes on, ``done`` is not called."""
        self.over = True
        self._program.running.discard(self)
        cancels = list(self._cancels.values())
        self._cancels.clear()
        for cancel in cancels:
            cancel()

    @property
    def outcomes(self) -> Sequence[Outcome | None]:
        """What came back, by step."""
        return self._outcomes

    def passed(self) -> bytes | None:
        """Return the only answer's bytes where nobody needed to read them."""
        outcome = self._outcomes[0]
        if isinstance(outcome, SubgraphAnswer) and outcome.data is UNREAD:
            return outcome.raw
        return None

    def is_like(self, variables: Mapping[str, Any], headers: HeadersFor) -> bool:
        """Return whether another run with these would ask the subgraphs the same."""
        return self.variables == variables and self._headers == headers

    def replies(self, steps: frozenset[int] | None = None) -> list[Reply]:
        """Return what is in so far in plan order, of all steps or of some."""
        found: list[Reply] = []
        for step in self._program.steps:
            if steps is not None and step.index not in steps:
                continue
            if step.index in self._replies:
                found.extend(self._replies[step.index])
                continue
            outcome = self._outcomes[step.index]
            if isinstance(outcome, SubgraphAnswer):
                outcome = outcome.parsed()
            if outcome is not None:
                sent = {
                    call.index: [orjson.dumps(each) for each in self.representations[call.index]]
                    for call in step.calls
                }
                found.append(Reply(step, outcome, sent))
        return found

    def _start(self, step: FetchStep) -> None:
        fetch = step.fetch
        if not is_wanted(fetch, self.variables):
            self._finish(step)
            return
        variables = self.variables
        names = step.variables
        given = {name: variables[name] for name in names if name in variables} if names else {}
        if not step.calls:
            self._send(step, given, self._arrived)
        elif not self._gather(step, given):
            if self.typed is not None and not self.plain:
                self._program.misread()
            self.plain = True
            self._gather_plainly(step, given)

    def _gather(self, step: FetchStep, given: dict[str, Any]) -> bool:
        """Send what the generated functions find; False where they cannot."""
        # generated functions do not read what was gathered plainly, nor an answer with errors
        code = self.typed or self._program
        gatherers = None if self.plain or self._replies else code.gatherers.get(step.index)
        if gatherers is None or (self.failed and self._lacks_root(step)):
            return False
        some = False
        try:
            for gathering, (found, overlay) in zip(
                gatherers, self._gathered(step, gatherers), strict=True
            ):
                call = gathering.call
                self.representations[call.index] = given[call.call.variable] = found
                self.overlays[call.index] = overlay
                some = some or bool(found)
        except (Mismatch, LookupError, TypeError, AttributeError, ValueError):
            # an answer is not what the plan asked for; the plain form copes with anything
            for call in step.calls:
                self.representations[call.index] = ()
            return False
        if some:
            self._send(step, given, self._arrived)
        else:
            self._finish(step)
        return True

    def _lacks_root(self, step: FetchStep) -> bool:
        """Whether a root fetch that this step comes after failed.

        Generated functions read null where it should have been, and would send that as the value
        of a requirement though nobody knows it.
        """
        steps = self._program.steps
        return any(
            not steps[index].calls and isinstance(self._outcomes[index], SubgraphError)
            for index in step.ancestry
        )

    def _gathered(
        self, step: FetchStep, gatherers: Sequence[Gathering]
    ) -> list[tuple[list[dict[str, Any]], dict[int, int]]]:
        """Call the generated functions, or take what another run made of the same answers."""
        if not self.shared:
            return [gathering.function(self) for gathering in gatherers]
        recent = self._program.recent
        answers = [self._outcomes[index] for index in step.ancestry]
        made: list[tuple[list[dict[str, Any]], dict[int, int]]] | None
        made = recent.find(step.index, answers, self.variables)
        if made is None:
            made = [gathering.function(self) for gathering in gatherers]
            recent.keep(step.index, answers, self.variables, made)
        return made

    def _gather_plainly(self, step: FetchStep, given: dict[str, Any]) -> None:
        program = self._program
        merged = merge_all(self.replies(step.ancestors), program.types, self.variables)
        made = parcels(
            step, [gather(merged.tree, call, program.types, self.variables) for call in step.calls]
        )
        if not made:
            self._finish(step)
            return
        replies: list[Reply | None] = [None] * len(made)
        left = len(made)

        def arrived(place: int, parcel: Parcel, step: FetchStep, outcome: Outcome) -> None:
            nonlocal left
            outcome = self._renamed(step, parcel.joined(outcome))
            replies[place] = Reply(step, outcome, parcel.sent())
            left -= 1
            if not left:
                self._replies[step.index] = [reply for reply in replies if reply is not None]
                self._finish(step)

        for place, parcel in enumerate(made):
            variables = {**given, **parcel.variables()}
            self._send(step, variables, partial(arrived, place, parcel), parcel.operation)

    def _send(
        self,
        step: FetchStep,
        variables: dict[str, Any],
        done: Callable[[FetchStep, Outcome], None],
        operation: str | None = None,
    ) -> None:
        """Ask the subgraph; ``operation`` is for once, in place of the plan's."""
        fetch = step.fetch
        client = self._clients.get(fetch.subgraph)
        if client is None:
            done(step, SubgraphError(f"No client for subgraph '{fetch.subgraph}'."))
            return
        headers = self._headers
        request = SubgraphRequest(
            operation or fetch.operation,
            variables,
            fetch.operation_name,
            headers(fetch.subgraph) if callable(headers) else headers,
            fetch.kind is OperationKind.MUTATION,
            self._program.raw and operation is None,
            step.opening if operation is None else None,
            self.typed.readers[step.index] if self.typed is not None and not self.plain else None,
        )
        self._tickets = ticket = self._tickets + 1
        finished = False

        def arrived(outcome: Outcome) -> None:
            nonlocal finished
            finished = True
            if self.over:
                return
            self._cancels.pop(ticket, None)
            if self._admission is not None:
                self._admission.answered()
            try:
                done(step, outcome)
            except Exception as error:  # noqa: BLE001  # a defect here must not leave anybody waiting
                self._break(error)

        cancel = begin(client, request, arrived)
        if not finished:
            self._cancels[ticket] = cancel

    def _arrived(self, step: FetchStep, outcome: Outcome) -> None:
        index = step.index
        outcome = self._renamed(step, outcome)
        self._outcomes[index] = outcome
        if isinstance(outcome, SubgraphError):
            self._failed(step)
        elif outcome.errors:
            self.plain = True
            self.shared = False
        elif not self.plain:
            self.shared = self.shared and outcome.shared
            self._keep(step, outcome)
        self._finish(step)

    def _keep(self, step: FetchStep, outcome: SubgraphAnswer) -> None:
        """Note the data where the generated functions look for it; what they cannot read is plain."""
        data = outcome.data
        if self.typed is not None and data is not None:
            data = outcome.typed
            if data is None:
                self.plain = True
                self._program.misread()
                return
        elif data.__class__ is not dict:
            # null is no object either, but at the root it is an answer
            self.plain = self.plain or bool(step.calls) or not (data is None or data is UNREAD)
            return
        if step.calls:
            self._keep_items(step, data)
        else:
            self.data[step.index] = data

    def _failed(self, step: FetchStep) -> None:
        """Note that a fetch brought nothing; the generated functions find nothing of it.

        What was sent stays: who would follow this call sees that items are missing, and asks for
        its objects itself.
        """
        self.failed = True
        self.shared = False
        for call in step.calls:
            self.lose(call.index)

    def _keep_items(self, step: FetchStep, data: Any) -> None:
        for call in step.calls:
            alias = call.call.alias
            items = data.get(alias) if self.typed is None else getattr(data, attribute(alias))
            if items.__class__ is not list or len(items) != len(self.representations[call.index]):
                self.plain = self.plain or bool(self.representations[call.index])
                continue
            self.keep(call.index, items)

    def _renamed(self, step: FetchStep, outcome: Outcome) -> Outcome:
        if not step.renamed or isinstance(outcome, SubgraphError) or not outcome.data:
            return outcome
        data = outcome.data
        if step.fetch.renames and not step.calls:
            data = rename(data, step.fetch.renames, self._program.types)
        for call in step.calls:
            renames = (*step.fetch.renames, *call.call.renames)
            if renames and isinstance(data, dict) and data.get(call.call.alias):
                items = rename(data[call.call.alias], renames, self._program.types)
                data = {**data, call.call.alias: items}
        if data is outcome.data:
            return outcome
        return SubgraphAnswer(data, outcome.errors, outcome.extensions)

    def _finish(self, step: FetchStep) -> None:
        self._left -= 1
        if self.watch is not None:
            self.watch(step.index)
        waiting = self._waiting
        for index in step.dependents:
            waiting[index] -= 1
            if not waiting[index] and not self.over:
                self._start(self._program.steps[index])
        if not self._left and not self.over:
            self._complete()

    def _complete(self) -> None:
        self.over = True
        self._program.running.discard(self)
        self._done(self)
