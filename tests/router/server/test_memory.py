"""What a busy router keeps of operations that it has forgotten: nothing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

from router.settings import RequestLimits, Settings

TEXT = "{ a%d: books { id title author } authors }"


async def test_a_forgotten_operation_is_freed_without_the_garbage_collector(
    started: Callable[..., Any],
) -> None:
    router = await started(settings=Settings(limits=RequestLimits(cached_operations=2)))
    operations, client = router.server.pipeline.operations, router.generation.default

    def build(number: int) -> Any:
        _, compiled = operations.get(client, TEXT % number, None).runnable()
        prepared = compiled.prepared({})
        assert prepared.projector is not None
        assert compiled.program.gatherers
        return compiled

    gc.collect()
    gc.disable()  # it would come in time, but only for what is young
    try:
        compiled = build(0)
        prepared = compiled.prepared({})
        gatherers = [
            each.function for known in compiled.program.gatherers.values() for each in known
        ]
        kept = [
            weakref.ref(each) for each in (compiled, prepared.projector, prepared.view, *gatherers)
        ]
        del compiled, prepared, gatherers
        build(1)
        assert all(each() is not None for each in kept)
        build(2)
        assert [each() for each in kept] == [None] * len(kept)
    finally:
        gc.enable()


async def test_a_document_that_is_kept_does_not_hold_its_tokens(
    started: Callable[..., Any],
) -> None:
    router = await started()
    operations, client = router.server.pipeline.operations, router.generation.default
    operation = operations.get(client, TEXT % 0, None)
    assert operation.document.loc is None
    assert operation.node.selection_set.selections[0].loc is None
