"""Plan -> answer: compiled once per operation, run many times.

    compiled = compile_operation(plan, document, operation_name, api_schema, supergraph,
                                 options=ExecutionOptions())
    variables = compiled.coerce(raw_variables)            # raises OperationInvalid

    answer = await compiled.execute(variables, clients, headers=..., admission=...)
    run = compiled.start(variables, clients, done, headers=..., ...)   # the same without a task: done(run)
                                                          # is called once; compiled.answer(run), run.cancel()
    async for answer in compiled.subscribe(variables, clients, headers=...): ...
    async for increment in execute_incrementally(compiled, variables, clients): ...

``answer.body`` is the whole JSON response, ``answer.errors`` its errors, ``increment.body`` one
payload of an incremental response (``increment.has_next``). ``clients`` maps the subgraphs'
names to :class:`SubgraphClient`; wrap one in :class:`InFlight` to share identical queries in
flight. ``headers`` is one mapping for all subgraphs, or a function of the subgraph's name.
:class:`Admission` is the gate that a server may put in front of ``execute``.
"""

from __future__ import annotations

from router.execution.admission import Admission
from router.execution.answer import Answer, Increment
from router.execution.client import (
    CallbackClient,
    SubgraphAnswer,
    SubgraphClient,
    SubgraphRequest,
)
from router.execution.compiled import CompiledOperation, ExecutionOptions, compile_operation
from router.execution.incremental import execute_incrementally
from router.execution.inflight import InFlight
from router.execution.run import Run

__all__ = [
    "Admission",
    "Answer",
    "CallbackClient",
    "CompiledOperation",
    "ExecutionOptions",
    "InFlight",
    "Increment",
    "Run",
    "SubgraphAnswer",
    "SubgraphClient",
    "SubgraphRequest",
    "compile_operation",
    "execute_incrementally",
]
