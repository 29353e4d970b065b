"""What subgraphs report and do wrong -> errors of the client's response.

Messages and extensions are the subgraph's, with its name added; locations are dropped, for they
refer to a document that the client never saw. Paths are the client's: an error at representation
``i`` becomes one error per object that asked for it, internal keys are cut off.

Codes: the subgraph's own, else ``DOWNSTREAM_SERVICE_ERROR``; those of
:class:`router.errors.SubgraphError` for requests that brought nothing; and
``RESPONSE_VALIDATION_FAILED`` for values that the schema does not allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from router.errors import SubgraphError
from router.execution.fields import Spot
from router.execution.merging import Merged, Problem, Reply
from router.execution.representations import ClientPath
from router.execution.steps import CallStep

__all__ = ["COPIES", "Failures"]

COPIES = 100
"""At most so many errors come from one error of a subgraph."""


class Failures:
    """The errors of one response, and which paths they explain.

    A null needs no error of its own where one is recorded at, above or below it, and what several
    requests say of one place in the same words is said once (GraphQL spec, 6.4.4).
    """

    def __init__(self, root: Spot) -> None:
        self._root = root
        self.errors: list[dict[str, Any]] = []
        self._at: set[ClientPath] = set()
        self._above: set[ClientPath] = set()
        self._told: set[bytes] = set()

    def add(self, error: dict[str, Any], path: ClientPath | None) -> None:
        """Record an error at a client path."""
        if path:
            error["path"] = list(path)
            if self._is_told(error):
                return
            self._explain(path)
        self.errors.append(error)

    def _is_told(self, error: dict[str, Any]) -> bool:
        text = orjson.dumps(error, option=orjson.OPT_SORT_KEYS)
        known = text in self._told
        self._told.add(text)
        return known

    def explains(self, path: ClientPath) -> bool:
        """Return whether an error at, above or below ``path`` is recorded."""
        if path in self._above:
            return True
        return any(path[:length] in self._at for length in range(1, len(path) + 1))

    def report(self, replies: Sequence[Reply], merged: Merged) -> None:
        """Record what the replies report, in plan order."""
        problems: dict[int, list[Problem]] = {}
        for problem in merged.problems:
            problems.setdefault(problem.step.index, []).append(problem)
        for reply in replies:
            name = reply.step.fetch.subgraph
            if isinstance(reply.outcome, SubgraphError):
                error = reply.outcome.to_graphql()
                error["extensions"]["serviceName"] = name
                self.add(error, self._known(self._static_path(reply)))
                self._explain_all(reply)
            else:
                for raw in reply.outcome.errors:
                    self._report(raw, reply, merged)
                if reply.outcome.errors and not reply.outcome.data:
                    self._explain_all(reply)
            for problem in problems.pop(reply.step.index, ()):
                extensions = {"code": "SUBREQUEST_MALFORMED_RESPONSE", "serviceName": name}
                error = {"message": problem.message, "extensions": extensions}
                self.add(error, self._known(problem.path))

    def _report(self, raw: Any, reply: Reply, merged: Merged) -> None:
        paths = list(self._paths(raw, reply, merged)) or [self._known(reply.step.prefix)]
        for path in paths[:COPIES]:
            self.add(_translate(raw, reply.step.fetch.subgraph), path)

    def _paths(self, raw: Any, reply: Reply, merged: Merged) -> Iterator[ClientPath]:
        path = raw.get("path") if isinstance(raw, dict) else None
        if not isinstance(path, list) or not path:
            return
        if not reply.step.calls:
            yield self._known((*reply.step.prefix, *self._renamed(path, reply)))
            return
        call = _call_of(path[0], reply.step.calls)
        if call is None or len(path) < 2 or type(path[1]) is not int:
            return
        keys = reply.sent.get(call.index, ())
        if not 0 <= path[1] < len(keys):
            return
        rest = self._renamed(path[2:], reply)
        for place in merged.places.get(call.index, {}).get(keys[path[1]], ()):
            yield self._known((*place, *rest))

    def _renamed(self, path: Sequence[Any], reply: Reply) -> ClientPath:
        fetch = reply.step.fetch
        names = {each.alias: each.name for each in fetch.renames}
        for call in fetch.entities:
            names.update((each.alias, each.name) for each in call.renames)
        return tuple(
            names.get(item, item) if isinstance(item, str) else item
            for item in path
            if isinstance(item, (str, int))
        )

    def _known(self, path: ClientPath) -> ClientPath:
        """Cut the path where the client would not know it any more."""
        spot: Spot | None = self._root
        for length, item in enumerate(path):
            if isinstance(item, int):
                continue
            spot = spot.below(item) if spot is not None else None
            if spot is None:
                return path[:length]
        return path

    def _static_path(self, reply: Reply) -> ClientPath:
        for call in reply.step.calls:
            if reply.sent.get(call.index):
                return call.prefix
        if reply.step.prefix or reply.step.calls:
            return reply.step.prefix
        keys = [key for key in reply.step.shapes.root.slots if self._root.below(key) is not None]
        return (keys[0],) if len(keys) == 1 else ()

    def _explain_all(self, reply: Reply) -> None:
        """A step that brought nothing explains whatever it should have brought."""
        if reply.step.calls:
            for call in reply.step.calls:
                self._explain(call.prefix)
        elif not reply.step.prefix:
            for key in reply.step.shapes.root.slots:
                self._explain((key,))
        else:
            self._explain(reply.step.prefix)

    def _explain(self, path: ClientPath) -> None:
        self._at.add(path)
        for length in range(len(path) + 1):
            self._above.add(path[:length])


def _call_of(name: Any, calls: Sequence[CallStep]) -> CallStep | None:
    for call in calls:
        if call.call.alias == name:
            return call
    # some servers report the field's name instead of its alias
    return calls[0] if name == "_entities" and len(calls) == 1 else None


def _translate(raw: Any, subgraph: str) -> dict[str, Any]:
    known: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    message = known.get("message")
    original = known.get("extensions")
    extensions = dict(original) if isinstance(original, dict) else {}
    if not isinstance(extensions.get("code"), str):
        extensions["code"] = "DOWNSTREAM_SERVICE_ERROR"
    extensions["serviceName"] = subgraph
    return {
        "message": message if isinstance(message, str) and message else "The subgraph failed.",
        "extensions": extensions,
    }
