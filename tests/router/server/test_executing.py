"""An execution and its place at the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from router.execution import Admission, Answer
from router.server.exchange import Exchange
from router.server.executing import Execution


class Operation:
    """Stands for a compiled operation; holds what was started."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.cancelled = 0

    def can_share(self, *_: Any) -> bool:
        return False

    def start(self, variables: Any, clients: Any, done: Any, **_: Any) -> Any:
        self.started.append(done)
        return self

    def answer(self, run: Answer) -> Answer:
        return run

    def cancel(self) -> None:
        self.cancelled += 1


def execution(operation: Operation, gate: Admission, done: Callable[[Answer], None]) -> Execution:
    class Request:
        runnable = operation
        variables: dict[str, Any] = {}
        forward: dict[str, str] = {}
        keyed = None

        class generation:  # the attribute's name
            subgraphs: dict[str, Any] = {}

    return Execution(cast("Exchange", Request()), gate, done)


async def test_a_request_that_gives_up_in_the_queue_takes_no_place() -> None:
    gate, operation = Admission(), Operation()
    answers: list[Answer] = []
    assert gate.enter_now()
    assert gate.enter_now()
    waiting = execution(operation, gate, answers.append)
    waiting.start()
    assert gate.waiting == 1
    waiting.cancel()
    gate.leave()
    gate.leave()
    assert (gate.running, gate.waiting) == (0, 0)
    assert not operation.started
    execution(operation, gate, answers.append).start()
    assert (gate.running, len(operation.started)) == (1, 1)


async def test_a_request_that_gives_up_under_way_leaves_and_hears_nothing() -> None:
    gate, operation = Admission(), Operation()
    answers: list[Answer] = []
    begun = execution(operation, gate, answers.append)
    begun.start()
    begun.cancel()
    begun.cancel()
    assert (gate.running, operation.cancelled) == (0, 1)
    operation.started[0](Answer(b"{}"))
    assert (gate.running, answers) == (0, [])


async def test_an_answer_is_handed_over_before_the_next_request_starts() -> None:
    gate, operation = Admission(), Operation()
    order: list[str] = []
    assert gate.enter_now()
    execution(operation, gate, lambda _: order.append("answered")).start()
    gate.when_idle(lambda: order.append("next"))
    operation.started[0](Answer(b"{}"))
    assert order == ["answered", "next"]
