"""Structured logs: one JSON object a line, and nothing about a patient in it.

What may be logged is declared, not what may not: a key that is not in :data:`SAFE` (or does not end
like a measure) is replaced by the type of its value. Exceptions are logged as their class and the
places they passed through, never with their message, which may quote a row or a request.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

__all__ = ["SAFE", "configure", "get_logger"]

SAFE: Final = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "module",
        "error",
        "error_id",
        "error_class",
        "trace",
        "code",
        "kind",
        "subgraph",
        "operation",
        "topic",
        "destination",
        "subject",
        "state",
        "attempt",
        "attempts",
        "count",
        "failures",
        "status",
        "method",
        "path",
        "url",
        "host",
        "port",
        "version",
        "reason",
        "client",
        "device",
        "role",
        "purpose",
        "package",
        "schema",
        "engine",
        "model",
        "peer",
        "task",
        "signal",
        "pid",
        "encounter",
        "patient",
        "practitioner",
        "recording",
        "note",
        "order",
        "consent",
        "appointment",
    ]
)
"""Keys that may be logged; resources among them by their opaque id only."""

_MEASURES: Final = ("_id", "_ids", "_ms", "_s", "_count", "_bytes", "_at", "_class", "_code")
_IDS: Final = frozenset(
    [
        "encounter",
        "patient",
        "practitioner",
        "recording",
        "note",
        "order",
        "consent",
        "appointment",
        "subject",
    ]
)


def configure(level: str = "info") -> None:
    """Send all logs of this process to standard error as JSON; call once, at the start."""
    _configure_ours(level)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Foreign())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # an access log quotes query strings, and Strawberry's log quotes errors
    for name in ("uvicorn.access", "strawberry.execution"):
        logging.getLogger(name).disabled = True


def _configure_ours(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_its_message,
            _only_what_is_safe,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A logger: ``log.info("outbox.delivered", topic=…, attempts=…)``."""
    return structlog.get_logger(module=name)  # lazy: configured as it is when it is used


def _only_what_is_safe(_: Any, __: str, entry: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: _safe(key, value) for key, value in entry.items()}


def _safe(key: str, value: Any) -> Any:
    if key not in SAFE and not key.endswith(_MEASURES):
        return f"<{type(value).__name__}>"
    if key in _IDS and isinstance(value, str) and " " in value:
        return "<str>"  # an opaque id has no spaces; a name has
    return value


def _exception_without_its_message(
    _: Any, __: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    info = entry.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else info[1] if info else None
    if error is not None:
        entry["error_class"] = type(error).__qualname__
        entry["trace"] = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return entry


class _Foreign(logging.Formatter):
    """Logs of libraries: their logger, level and place; their words only when they are constant."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "event": record.msg if isinstance(record.msg, str) and not record.args else "library",
            "logger": record.name,
            "level": record.levelname.lower(),
            "exc_info": record.exc_info,
        }
        if record.exc_info:
            entry["event"] = "library.exception"
        entry = dict(_exception_without_its_message(None, "", entry))
        return str(
            structlog.processors.JSONRenderer()(None, "", _only_what_is_safe(None, "", entry))
        )


_configure_ours("info")  # structlog's own default would print locals, and charts are in locals
