"""The request pipeline: client -> operation -> rights -> plan -> execution -> answer.

Transports (HTTP, WebSocket, SSE) read a request their own way and meet here.
:meth:`Pipeline.prepare` refuses an :class:`~router.server.exchange.Exchange` or makes it runnable,
:meth:`Pipeline.run` answers it. A :class:`~router.server.exchange.Stage` is the place for what
later wraps execution: audit, caches, breakers.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from router.contracts.limits import LimitExceeded, page_sizes
from router.errors import NoPlan, RequestError
from router.execution import Admission, Answer, CompiledOperation
from router.execution.client import NO_HEADERS
from router.planning.plan import OperationKind, Plan
from router.server.apq import ApqStore, apq_store
from router.server.denials import denied_answer
from router.server.documents import find_text
from router.server.exchange import Exchange, Run, Stage, rights_key
from router.server.executing import Execution
from router.server.generation import Client, Generation
from router.server.identity import ANONYMOUS, Anonymous, Authenticator, Identity, KnowsIdentity
from router.server.masking import Masking
from router.server.messages import GraphQLRequest
from router.server.operations import Form, Operation, Operations
from router.server.private import PrivateValues
from router.server.rates import Rates
from router.server.refusals import Refused
from router.server.rights import Decide, unauthorised, without_rights
from router.server.workshop import Workshop
from router.settings import Settings

__all__ = ["Pipeline", "too_long"]

_LOG: Final = logging.getLogger("router.pipeline")

T = TypeVar("T")


class Pipeline:
    """Serves one generation after another with the same settings, stores and stages."""

    def __init__(
        self,
        generation: Generation,
        settings: Settings,
        *,
        authenticate: Authenticator | None = None,
        decide: Decide | None = None,
        stages: Sequence[Stage] = (),
        apq: ApqStore | None = None,
    ) -> None:
        self.decide = decide
        self.apq = apq or apq_store(settings.apq)
        self.rates = Rates(settings.rate.redis_url)
        self._warm: dict[int, Operations] = {}
        self._workshop = Workshop()
        self._flying: dict[tuple[CompiledOperation, bytes], asyncio.Task[Answer]] = {}
        self._configure(settings, authenticate)
        self._staged = bool(stages)
        run: Run = self._execute
        for stage in reversed(stages):
            run = _around(stage, run)
        self._run = run
        self.use(generation)

    async def configure(self, settings: Settings, authenticate: Authenticator | None) -> None:
        """Go over to other settings; stores are exchanged where theirs have changed."""
        before = self.settings
        if settings.apq != before.apq:
            old, self.apq = self.apq, apq_store(settings.apq)
            await old.aclose()
        if settings.rate.redis_url != before.rate.redis_url:
            counted, self.rates = self.rates, Rates(settings.rate.redis_url)
            await counted.aclose()
        self._configure(settings, authenticate)

    def _configure(self, settings: Settings, authenticate: Authenticator | None) -> None:
        self.settings = settings
        self.authenticate: Authenticator = authenticate or Anonymous()
        self.known_identity: KnowsIdentity = getattr(self.authenticate, "known", _nobody_known)
        self.admission = Admission() if settings.limits.admission else None
        self.masking = Masking(settings.errors)
        forward = settings.headers.forward
        self._forward_exact = frozenset(name for name in forward if not name.endswith("*"))
        self._forward_prefixes = tuple(name[:-1] for name in forward if name.endswith("*"))

    def use(self, generation: Generation) -> Generation | None:
        """Serve new requests from ``generation``; return the one served before."""
        before: Generation | None = getattr(self, "generation", None)
        self.generation = generation
        warm = self._warm.pop(generation.number, None)
        self.operations = warm if warm is not None else self._operations(generation)
        return before

    async def warm_up(self, generation: Generation) -> None:
        """Plan and compile every persisted operation before ``generation`` is used.

        One that does not fit its client's schema is logged and skipped: the other operations of
        the client still work, and ``router contracts check`` says the same before a release.
        """
        operations = self._operations(generation)
        for client in generation.clients.values():
            for persisted in client.persisted:
                text = persisted.text
                try:
                    await self._workshop.make(
                        (client.name, text), partial(_warm, operations, client, text)
                    )
                except RequestError as error:
                    _LOG.error("%s: %s: %s", persisted.source, persisted.name, error.message)
        self._warm[generation.number] = operations

    async def aclose(self) -> None:
        """Close the stores; build nothing any more."""
        self._workshop.close()
        await self.apq.aclose()
        await self.rates.aclose()

    def _operations(self, generation: Generation) -> Operations:
        limits = self.settings.limits
        size = limits.cached_operations + sum(len(c.persisted) for c in generation.clients.values())
        return Operations(generation, size, limits, introspection=self.settings.introspection)

    def exchange(
        self,
        client: Client,
        request: GraphQLRequest,
        headers: Mapping[str, str],
        transport: str = "http",
    ) -> Exchange:
        """Begin an exchange with the current generation."""
        return Exchange(self.generation, self.operations, client, request, headers, transport)

    def client_of(
        self, path: str, headers: Mapping[str, str], identity: Identity = ANONYMOUS
    ) -> Client:
        """Who asks, by path, header or claim in the configured order.

        Raises 400 ``UNKNOWN_CLIENT`` for a name without a contract.
        """
        generation, matching = self.generation, self.settings.clients
        if not generation.clients:
            return generation.default
        for way in matching.order:
            name: str | None = None
            match way:
                case "path":
                    found = generation.by_path.get(path)
                    if found is not None and path != self.settings.http.path:
                        return found
                case "header":
                    name = headers.get(matching.header)
                case "claim":
                    claim = identity.claims.get(matching.claim)
                    name = str(claim) if claim is not None else None
            if name is not None:
                if name not in generation.clients:
                    raise Refused(f"There is no client {name[:64]!r}.", 400, "UNKNOWN_CLIENT")
                return generation.clients[name]
        return generation.default

    def forwarded(
        self, headers: Mapping[str, str], identity: Identity = ANONYMOUS
    ) -> Mapping[str, str]:
        """The headers that travel on to subgraphs: allowed ones, and verified claims.

        A header that carries a claim is never the client's own.
        """
        exact, prefixes = self._forward_exact, self._forward_prefixes
        claims = self.settings.headers.from_claims
        if not prefixes and not claims and exact.isdisjoint(headers):
            return NO_HEADERS
        forward = {name: headers[name] for name in exact if name in headers}
        if prefixes:
            forward.update(
                (name, value) for name, value in headers.items() if name.startswith(prefixes)
            )
        for claim, name in claims.items():
            forward.pop(name, None)
            value = identity.claims.get(claim)
            if value is not None:
                words = value if isinstance(value, list | tuple | set | frozenset) else [value]
                forward[name] = " ".join(map(str, words))
        return forward

    async def prepare(self, exchange: Exchange, *, counted: bool = True) -> None:
        """Make the exchange runnable, or raise the refusal (``RequestError``) that says why not.

        Nothing is fetched here. ``exchange.identity`` is set by the transport before; ``counted``
        says whether the request counts towards rates.
        """
        client, request = exchange.client, exchange.request
        contract = client.contract
        limits = contract.limits
        if counted and (limits.rate is not None or self.settings.rate.limit is not None):
            await self._limit_rate(exchange)
        self._note_version(exchange)
        digest = None
        if request.document_id is None and contract.persisted.mode != "required":
            exchange.text = request.query or ""
        else:
            digest = await find_text(exchange, self.apq, apq=self.settings.apq.enabled)
        operation = exchange.operation = await self._operation(exchange)
        if limits.operation_rates and operation.name is not None and counted:
            await self._limit_operation(exchange, operation.name)
        if digest is not None:  # only what is valid is remembered
            await self.apq.put(digest, exchange.text)
        granted = _NONE
        if operation.policies and self.decide is not None:
            granted = await self._granted(operation.policies, exchange.identity, self.decide)
        denied, labels = self._circumstances(exchange, granted)
        together = self._together(exchange)
        await self._make_ready(exchange, operation.form(denied, labels, together))
        if together is not None and exchange.runnable.is_incremental:
            exchange.in_parts = exchange.runnable.defers(exchange.variables)
            if not exchange.in_parts:
                await self._make_ready(exchange, operation.form(denied, labels, None))
        self._finish(exchange)

    def answers_at_once(self, client: Client) -> bool:
        """Whether requests of ``client`` can be prepared and executed without awaiting anything.

        Then :meth:`prepare_now` and :meth:`begin` do what :meth:`prepare` and :meth:`run` do.
        """
        contract = client.contract
        return (
            not self._staged
            and not self.settings.limits.share_requests
            and self.settings.rate.limit is None
            and contract.limits.rate is None
            and not contract.limits.operation_rates
            and contract.persisted.mode != "required"
        )

    def prepare_now(self, exchange: Exchange) -> bool:
        """Do what :meth:`prepare` does where nothing has to be awaited or built, else nothing.

        The operation is one that was prepared before. False asks for :meth:`prepare`; a refusal
        is raised here as there. Only for clients that :meth:`answers_at_once`.
        """
        request = exchange.request
        if request.document_id is not None or request.query is None:
            return False
        operation = exchange.operations.known(
            exchange.client, request.query, request.operation_name
        )
        if operation is None or (operation.policies and self.decide is not None):
            return False
        self._note_version(exchange)
        exchange.text = request.query
        exchange.operation = operation
        denied, labels = self._circumstances(exchange, _NONE)
        form = operation.form(denied, labels, self._together(exchange))
        known = operation.compiled.get(form)
        if known is None:
            return False
        self._take(exchange, known)
        if exchange.runnable.unprepared(exchange.variables) is not None:
            return False
        self._finish(exchange)
        return True

    async def _operation(self, exchange: Exchange) -> Operation:
        """The operation that is asked for, built where it was not before."""
        client, text, name = exchange.client, exchange.text, exchange.request.operation_name
        operations = exchange.operations
        known = operations.known(client, text, name)
        if known is not None:
            return known
        key = (id(operations), client.name, text, name)
        built = await self._made(key, partial(operations.build, client, text, name))
        return operations.known(client, text, name) or operations.keep(name, built)

    def _circumstances(
        self, exchange: Exchange, granted: frozenset[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """What is denied to the caller, and the override labels; ``granted`` are policies."""
        denied = self._denied(exchange, granted) if exchange.operation.needs else _NONE
        labels = _NONE
        if exchange.generation.supergraph.override_labels:
            labels = self._labels(exchange.generation)
        return denied, labels

    def _together(self, exchange: Exchange) -> frozenset[str] | None:
        """Of an answer in parts, the variables that ask for parts to come together; else None."""
        operation = exchange.operation
        if not (exchange.in_parts and operation.defers):
            return None
        return operation.together({**operation.defaults, **(exchange.request.variables or {})})

    async def _make_ready(self, exchange: Exchange, form: Form) -> None:
        """Plan and compile a form of the operation, and what its variables make true."""
        operation = exchange.operation
        known = operation.compiled.get(form)
        if known is None:
            work = partial(_compiled, operation, form, exchange.request.variables)
            try:
                made = await self._made((id(operation), form), work)
            except NoPlan as error:
                raise self._without_reason(exchange, error) from None
            known = operation.compiled.get(form) or operation.keep(form, made)
        self._take(exchange, known)
        runnable = exchange.runnable
        truths = runnable.unprepared(exchange.variables, deferring=runnable.is_incremental)
        if truths is not None:
            prepare = partial(runnable.prepare, truths)
            runnable.keep(truths, await self._made((id(runnable), truths), prepare))

    async def _made(self, key: Hashable, work: Callable[[], T]) -> T:
        return await self._workshop.make(key, work, self.settings.http.request_timeout)

    def _without_reason(self, exchange: Exchange, error: NoPlan) -> NoPlan:
        """What a client hears that is not shown the keys and subgraphs which the reason names."""
        tags = exchange.client.contract.tags
        if not (tags.include or tags.exclude or self.masked(exchange)):
            return error
        _LOG.warning("%s: %s: %s", exchange.client.name, exchange.operation.name, error.message)
        return NoPlan("No combination of subgraphs can answer this operation.")

    def _take(self, exchange: Exchange, compiled: tuple[Plan, CompiledOperation]) -> None:
        exchange.plan, exchange.runnable = compiled
        if exchange.kind is OperationKind.SUBSCRIPTION and not exchange.plan.fetches:
            raise unauthorised(exchange.denied, exchange.identity)
        exchange.variables = exchange.runnable.coerce(exchange.request.variables)

    def _finish(self, exchange: Exchange) -> None:
        """Hold a planned operation with its variables against the limits; what to send along."""
        operation, limits = exchange.operation, exchange.client.contract.limits
        if limits.page_size is not None:
            page_sizes(operation.document, exchange.variables, limits.page_size)
        if limits.cost is not None:
            self._check_cost(exchange, limits.cost)
        exchange.forward = self.forwarded(exchange.headers, exchange.identity)

    async def run(self, exchange: Exchange) -> Answer:
        """Execute a prepared query or mutation through the stages."""
        return self.weighed(exchange, await self._run(exchange))

    def begin(self, exchange: Exchange, done: Callable[[Answer], None]) -> Execution:
        """Start to execute a prepared query or mutation without a task, past the stages.

        ``done`` is called once, perhaps before this returns, unless the execution is cancelled;
        it owes the answer a call of :meth:`weighed`, as :meth:`run` does it.
        """
        execution = Execution(exchange, self.admission, done)
        execution.start()
        return execution

    def weighed(self, exchange: Exchange, answer: Answer) -> Answer:
        """The answer, held against its client's limits, or the refusal of it (raised)."""
        limits = exchange.client.contract.limits
        if limits.answer_bytes is not None and len(answer.body) > limits.answer_bytes:
            raise too_long(len(answer.body), limits.answer_bytes)
        if limits.cost is not None:
            operation = exchange.operation
            exchange.notes["actual_cost"] = exchange.client.costs.of(
                operation.document, operation.node, exchange.variables, answer.data or {}
            )
        return answer

    def shown(self, exchange: Exchange, answer: Answer) -> Answer:
        """The answer as its client may see it: denied paths added, causes masked."""
        if exchange.denied:
            answer = denied_answer(answer, exchange.denied)
        if answer.errors and self.masks(exchange):
            answer = self.masking.answer(answer, self.private(exchange), mask=self.masked(exchange))
        return answer

    def masks(self, exchange: Exchange) -> bool:
        """Whether errors of this exchange are looked through before they are shown."""
        return self.masked(exchange) or bool(exchange.generation.private)

    def masked(self, exchange: Exchange) -> bool:
        """Whether this audience gets codes and ids in place of subgraphs' messages."""
        own = exchange.client.contract.mask_errors
        return self.settings.errors.mask if own is None else own

    def private(self, exchange: Exchange) -> PrivateValues | None:
        """The exchange's private values; None where the schema tags none."""
        places = exchange.generation.private
        if not places:
            return None
        return PrivateValues(places, exchange.operation, exchange.variables)

    def _execute(self, exchange: Exchange) -> Coroutine[Any, Any, Answer]:
        if self.settings.limits.share_requests and exchange.kind is OperationKind.QUERY:
            return self._execute_shared(exchange)
        return self._execute_alone(exchange)

    async def _execute_shared(self, exchange: Exchange) -> Answer:
        """Join an identical query in flight: same plan, variables and forwarded rights."""
        key = (exchange.runnable, rights_key(exchange))
        running = self._flying.get(key)
        if running is None:
            running = asyncio.get_running_loop().create_task(self._execute_alone(exchange))
            self._flying[key] = running
            running.add_done_callback(lambda _: self._flying.pop(key, None))
        return await asyncio.shield(running)  # whoever gives up leaves the others their answer

    async def _execute_alone(self, exchange: Exchange) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        execution = self.begin(exchange, done)
        try:
            return await future
        except asyncio.CancelledError:
            execution.cancel()
            raise

    async def _limit_rate(self, exchange: Exchange) -> None:
        who = self._caller(exchange)
        if self.settings.rate.limit is not None:
            await self.rates.hit(self.settings.rate.limit, "all", who)
        own = exchange.client.contract.limits.rate
        if own is not None:
            await self.rates.hit(own, exchange.client.name, who)

    async def _limit_operation(self, exchange: Exchange, name: str) -> None:
        rate = exchange.client.contract.limits.operation_rates.get(name)
        if rate is not None:
            await self.rates.hit(rate, exchange.client.name, name, self._caller(exchange))

    def _caller(self, exchange: Exchange) -> str:
        """Whom rates count: the person, or a stranger's address."""
        if exchange.identity.authenticated:
            return exchange.identity.key
        return exchange.headers.get("x-peer", "")

    def _note_version(self, exchange: Exchange) -> None:
        """Note the client's version; refuse one that is not served."""
        exchange.version = version = exchange.headers.get(self.settings.clients.version_header)
        rules = exchange.client.contract.versions
        if not rules or version is None:
            return
        rule = next((rule for rule in rules if rule.covers(version)), None)
        if rule is None:
            raise Refused(
                f"Version {version[:32]!r} of {exchange.client.name!r} is not served; update.",
                400,
                "CLIENT_VERSION_UNKNOWN",
            )
        if rule.sunset is not None and datetime.now(UTC).date() > rule.sunset:
            raise Refused(
                f"Version {version[:32]!r} of {exchange.client.name!r} ended on {rule.sunset}; update.",
                400,
                "CLIENT_VERSION_ENDED",
            )
        exchange.version_rules = rule

    async def _granted(
        self, policies: frozenset[str], identity: Identity, decide: Decide
    ) -> frozenset[str]:
        """The policies that are decided in the caller's favour."""
        names = sorted(policies)
        decisions = await decide([(name, identity) for name in names])
        return frozenset(name for name, allowed in zip(names, decisions, strict=True) if allowed)

    def _denied(self, exchange: Exchange, granted: frozenset[str]) -> frozenset[str]:
        """The coordinates that the caller may not select; sets ``exchange.denied``."""
        operation, identity = exchange.operation, exchange.identity
        given = {**operation.defaults, **(exchange.request.variables or {})}
        exchange.denied = without_rights(operation.needs, identity, granted, given)
        if exchange.denied and self.settings.unauthorised == "refuse":
            raise unauthorised(exchange.denied, identity)
        return frozenset(need.coordinate for need in exchange.denied)

    def _labels(self, generation: Generation) -> frozenset[str]:
        """The override labels that are on for this request; percentages are drawn anew."""
        active = set()
        for label in generation.supergraph.override_labels:
            share = self.settings.percent_labels.get(label)
            if share is None and label.startswith("percent(") and label.endswith(")"):
                share = float(label[8:-1])
            if label in self.settings.labels or (
                share is not None and random.random() * 100 < share  # noqa: S311  # no secret
            ):
                active.add(label)
        return frozenset(active)

    def _check_cost(self, exchange: Exchange, limit: int) -> None:
        operation = exchange.operation
        cost = exchange.client.costs.of(operation.document, operation.node, exchange.variables)
        exchange.notes["cost"] = cost
        if cost > limit:
            raise LimitExceeded(
                f"The operation costs {cost:g}; {limit} is the most.",
                code="COST_ESTIMATED_TOO_EXPENSIVE",
                cost=cost,
                limit=limit,
            )


def _compiled(
    operation: Operation, form: Form, variables: Mapping[str, Any] | None
) -> tuple[Plan, CompiledOperation]:
    """A form of an operation, and what these variables make true, at one go."""
    plan, runnable = operation.compile(form)
    with suppress(RequestError):  # who asked hears it when they are looked at again
        runnable.prepared(runnable.coerce(variables), deferring=runnable.is_incremental)
    return plan, runnable


def _warm(operations: Operations, client: Client, text: str) -> None:
    operations.get(client, text, None).runnable()


def too_long(size: int, most: int) -> LimitExceeded:
    """The refusal of an answer, or of a part of one, with more bytes than the contract allows."""
    message = f"The answer has {size} bytes; {most} is the most."
    return LimitExceeded(message, code="MAX_ANSWER_BYTES_LIMIT")


_NONE: Final[frozenset[str]] = frozenset()


def _nobody_known(headers: Mapping[str, str]) -> None:
    """Stands for an authenticator that always has to be awaited."""


def _around(stage: Stage, run: Run) -> Run:
    async def wrapped(exchange: Exchange) -> Answer:
        return await stage(exchange, run)

    return wrapped
