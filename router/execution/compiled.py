"""An operation ready to run: its plan's steps, its variables' checks and its generated code."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias

import orjson
from graphql import DocumentNode, GraphQLSchema
from msgspec import Struct

from router.errors import SubgraphError
from router.execution.admission import Admission
from router.execution.answer import Answer
from router.execution.client import NO_HEADERS, Outcome, SubgraphClient, SubgraphRequest
from router.execution.completion import Completion
from router.execution.failures import Failures
from router.execution.fields import Spot, View, condition_variables, operation_of
from router.execution.inflight import InFlight
from router.execution.introspection import Introspection, asks_for_introspection
from router.execution.merging import Merged, merge_all
from router.execution.overlap import Mismatch
from router.execution.passing import can_pass
from router.execution.program import Program
from router.execution.projection import Projector, generate_projection
from router.execution.representations import holds
from router.execution.run import HeadersFor, Run
from router.execution.types import Types
from router.execution.variables import Coercion
from router.planning.plan import Plan

__all__ = ["CompiledOperation", "ExecutionOptions", "HasSchema", "Prepared", "compile_operation"]

_LOG: Final = logging.getLogger(__name__)

_DEFECT: Final = {
    "message": "Internal server error",
    "extensions": {"code": "INTERNAL_SERVER_ERROR"},
}

Truths: TypeAlias = tuple[bool, ...]
"""Whether the answer comes in parts, whether typed objects are read, and each condition's value."""

MAX_VIEWS: Final = 32
"""So many truth assignments of one operation's conditions are kept compiled."""


class HasSchema(Protocol):
    """What the executor needs of a supergraph: the schema with everything in it."""

    @property
    def schema(self) -> GraphQLSchema: ...


class ExecutionOptions(Struct, frozen=True):
    """How operations are executed.

    ``trusted``: names of subgraphs whose answers keep to their schema; where an answer of theirs
    needs no reshaping its bytes pass through unread. ``generated`` False uses the plain forms
    only (slower, the same answers; for comparison). ``typed_after``: so many executions make an
    operation worth types of its own for the answers that it reads; None: nothing does.
    """

    trusted: frozenset[str] = frozenset()
    generated: bool = True
    typed_after: int | None = 32


class Prepared(Struct, frozen=True):
    """An operation under one truth assignment of its conditions."""

    view: View
    projector: Projector | None
    text: str
    introspection: Introspection | None


def compile_operation(
    plan: Plan,
    document: DocumentNode,
    operation_name: str | None,
    api_schema: GraphQLSchema,
    supergraph: HasSchema,
    *,
    options: ExecutionOptions = ExecutionOptions(),
) -> CompiledOperation:
    """Compile a valid operation and its plan.

    ``api_schema`` is the schema of the client (perhaps a contract's), ``supergraph`` the one that
    was planned with. Raises OperationInvalid where there is no such operation.
    """
    return CompiledOperation(plan, document, operation_name, api_schema, supergraph, options)


class CompiledOperation:
    """Runs one operation; immutable but for its caches, used by many requests at once."""

    def __init__(
        self,
        plan: Plan,
        document: DocumentNode,
        operation_name: str | None,
        api_schema: GraphQLSchema,
        supergraph: HasSchema,
        options: ExecutionOptions,
    ) -> None:
        self.plan = plan
        self.kind = plan.kind
        self.document = document
        self.operation = operation_of(document, operation_name)
        self.types = Types(api_schema)
        self.full_types = Types(supergraph.schema)
        self._conditions = condition_variables(document, self.operation)
        self.coerce = Coercion(self.operation, api_schema, self._conditions)
        self._introspects = asks_for_introspection(document)
        self._prepared: OrderedDict[Truths, Prepared] = OrderedDict()
        self.program = Program(
            plan,
            self.full_types,
            generated=options.generated,
            raw=options.generated and self._passes(supergraph.schema, options.trusted),
            typed_after=options.typed_after,
        )

    def generated_text(self, variables: Mapping[str, Any] | None = None) -> str:
        """Return the source of all generated functions, for people who look for a fault."""
        texts = [each.text for known in self.program.gatherers.values() for each in known]
        return "\n".join([*texts, self.prepared(variables or {}).text])

    @property
    def is_incremental(self) -> bool:
        """Whether parts of the answer can be delivered later (``@defer``)."""
        return bool(self.plan.deferred)

    def defers(self, variables: Mapping[str, Any]) -> bool:
        """Whether some part is delivered later where variables have these values."""
        return any(holds(each.when + each.exists, variables) for each in self.plan.deferred)

    def can_share(
        self,
        variables: Mapping[str, Any],
        clients: Mapping[str, SubgraphClient],
        headers: HeadersFor = NO_HEADERS,
    ) -> bool:
        """Return whether a run under way asks the same of clients that send such queries once.

        Holding such a request back saves nothing: it costs least while the other one runs.
        """
        run = next(iter(self.program.running), None)
        return (
            run is not None
            and run.is_like(variables, headers)
            and isinstance(clients.get(self.program.steps[0].fetch.subgraph), InFlight)
        )

    def start(
        self,
        variables: Mapping[str, Any],
        clients: Mapping[str, SubgraphClient],
        done: Callable[[Run], None],
        *,
        headers: HeadersFor = NO_HEADERS,
        admission: Admission | None = None,
    ) -> Run:
        """Execute with coerced variables; ``done`` is called once, perhaps before this returns.

        :meth:`answer` makes the answer of the run that it is given. Must be called on the event loop.
        ``cancel()`` of the run ends all its requests; then ``done`` is never called.
        """
        run = Run(self.program, variables, clients, done, headers, admission)
        run.start()
        return run

    async def execute(
        self,
        variables: Mapping[str, Any],
        clients: Mapping[str, SubgraphClient],
        *,
        headers: HeadersFor = NO_HEADERS,
        admission: Admission | None = None,
    ) -> Answer:
        """Execute a query or mutation with coerced variables; never raises for a sick subgraph."""

        def make(done: Callable[[Run], None]) -> Run:
            return Run(self.program, variables, clients, done, headers, admission)

        return await self._finished(make)

    async def subscribe(
        self,
        variables: Mapping[str, Any],
        clients: Mapping[str, SubgraphClient],
        *,
        headers: HeadersFor = NO_HEADERS,
    ) -> AsyncIterator[Answer]:
        """Yield one answer per event of the source; a source that breaks yields a last error.

        Closing the iterator ends the upstream subscription.
        """

        def make(done: Callable[[Run], None]) -> Run:
            return Run(self.program, variables, clients, done, headers)

        step = self.program.steps[0]
        fetch = step.fetch
        client = clients.get(fetch.subgraph)
        if client is None:
            missing = SubgraphError(f"No client for subgraph '{fetch.subgraph}'.")
            yield await self._finished(make, missing)
            return
        request = SubgraphRequest(
            fetch.operation,
            {name: variables[name] for name in step.variables if name in variables},
            fetch.operation_name,
            headers(fetch.subgraph) if callable(headers) else headers,
        )
        events = client.subscribe(request)
        try:
            async for event in events:
                yield await self._finished(make, event)
        except SubgraphError as error:
            yield await self._finished(make, error)
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    def answer(self, run: Run) -> Answer:
        """Make the answer out of what a run brought; never raises."""
        if run.broken:
            return write_answer(None, [dict(_DEFECT)])
        try:
            return self._answer(run)
        except Exception as error:  # noqa: BLE001  # a defect here must not leave anybody waiting
            _LOG.error("The completion broke: %s", type(error).__name__)
            return write_answer(None, [dict(_DEFECT)])

    def _answer(self, run: Run) -> Answer:
        typed = run.typed is not None and not run.plain
        prepared = self.prepared(run.variables, typed=typed)
        if not run.plain:
            if self.program.raw:
                passed = run.passed()
                if passed is not None:
                    return Answer(passed)
            if prepared.projector is not None:
                try:
                    return self._projected(run, prepared, prepared.projector)
                except (Mismatch, LookupError, TypeError, AttributeError, ValueError):
                    pass  # something is not as it should be: the plain form says what
            if typed:
                self.program.misread()
        return self._plain_answer(run, prepared)

    def prepared(
        self, variables: Mapping[str, Any], *, deferring: bool = False, typed: bool = False
    ) -> Prepared:
        """Return the operation under the conditions that these variables make true.

        ``typed``: its projector reads typed objects.
        """
        key = self._key(variables, deferring=deferring, typed=typed)
        found = self._prepared.get(key)
        if found is None:
            return self.keep(key, self.prepare(key))
        if len(self._prepared) > 1:
            self._prepared.move_to_end(key)
        return found

    def unprepared(self, variables: Mapping[str, Any], *, deferring: bool = False) -> Truths | None:
        """Return what :meth:`prepare` is still to be asked for under these variables, if anything."""
        key = self._key(variables, deferring=deferring, typed=False)
        return key if key not in self._prepared else None

    def prepare(self, key: Truths) -> Prepared:
        """Make the operation under a truth assignment, which may take long; changes nothing."""
        deferring, typed, *truths = key
        return self._prepare(
            dict(zip(self._conditions, truths, strict=True)), deferring=deferring, typed=typed
        )

    def keep(self, key: Truths, prepared: Prepared) -> Prepared:
        """Remember what was made."""
        self._prepared[key] = prepared
        if len(self._prepared) > MAX_VIEWS:
            self._prepared.popitem(last=False)
        return prepared

    def _key(self, variables: Mapping[str, Any], *, deferring: bool, typed: bool) -> Truths:
        truths = [bool(variables.get(name, True)) for name in self._conditions]
        return (deferring, typed, *truths)

    def introspection(self, place: Spot, kind: str) -> Introspection | None:
        """Return what is asked of the schema at and below a place of this type."""
        if not self._introspects:
            return None
        return Introspection(self.document, self.operation, place, kind)

    def introspected(self, prepared: Prepared, variables: Mapping[str, Any]) -> Mapping[int, Any]:
        """Return the values of the introspection fields."""
        if prepared.introspection is None:
            return {}
        return prepared.introspection.values(variables)

    def _projected(self, run: Run, prepared: Prepared, projector: Projector) -> Answer:
        if run.shared and self.program.steps:
            known: Answer | None = self.program.recent.find("answer", run.outcomes, run.variables)
            if known is not None:
                return known
        data = projector(run, self.introspected(prepared, run.variables))
        if run.failed:
            failures = Failures(prepared.view.root)
            failures.report(run.replies(), Merged())
            return write_answer(data, failures.errors)
        answer = Answer(orjson.dumps({"data": data}))
        if run.shared and self.program.steps:
            self.program.recent.keep("answer", run.outcomes, run.variables, answer)
        return answer

    def _plain_answer(self, run: Run, prepared: Prepared) -> Answer:
        replies = run.replies()
        merged = merge_all(replies, self.full_types, run.variables)
        failures = Failures(prepared.view.root)
        failures.report(replies, merged)
        intro = self.introspected(prepared, run.variables)
        data = Completion(prepared.view, self.full_types, failures, intro).root(merged.tree)
        return write_answer(data, failures.errors)

    async def _finished(
        self, make: Callable[[Callable[[Run], None]], Run], source: Outcome | None = None
    ) -> Answer:
        """Run to the end, from an event on if there is one; cancelling the wait cancels the run."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(run: Run) -> None:
            if not future.done():
                future.set_result(self.answer(run))

        run = make(done)
        try:
            run.start(source)
            return await future
        except asyncio.CancelledError:
            run.cancel()
            raise

    def _passes(self, schema: GraphQLSchema, trusted: frozenset[str]) -> bool:
        """Whether the bytes of the only answer may be the response, unread."""
        if self._conditions:
            return False
        view = View(self.document, self.operation, self.types, {})
        return can_pass(self.plan, view, schema, trusted)

    def _prepare(self, truths: Mapping[str, bool], *, deferring: bool, typed: bool) -> Prepared:
        view = View(self.document, self.operation, self.types, truths, deferring=deferring)
        program = self.program
        made = (
            generate_projection(
                view, program.steps, self.full_types, program.followers, typed=typed
            )
            if program.generated and not self.is_incremental  # parts are read by the plain form
            else None
        )
        introspection = self.introspection(view.root, view.root_type)
        if made is None:
            return Prepared(view, None, "", introspection)
        return Prepared(view, made[0], made[1], introspection)


def write_answer(data: Any, errors: list[dict[str, Any]]) -> Answer:
    """Write a response; values that JSON cannot hold become an error, never a crash."""
    try:
        body = orjson.dumps(data)
    except orjson.JSONEncodeError:
        message = "The response cannot be written as JSON."
        errors = [*errors, {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]
        body = b"null"
    if not errors:
        return Answer(b'{"data":%b}' % body)
    try:
        written = orjson.dumps(errors)
    except orjson.JSONEncodeError:
        errors = [{"message": error["message"]} for error in errors]
        written = orjson.dumps(errors)
    return Answer(b'{"data":%b,"errors":%b}' % (body, written), tuple(errors))
