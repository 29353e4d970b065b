"""What happened, told to others: ids and codes, never what a chart says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import uuid4

import orjson

__all__ = ["Event", "EventData"]

EventData: TypeAlias = Mapping[str, str | int | bool | None]
"""Ids, versions, codes and instants as text. No names, no values of a chart."""

_TOPIC: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_LONGEST_VALUE: Final = 256


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``topic`` is past tense and dotted: ``encounters.appointment.booked``.

    ``subject`` is the id of the aggregate that changed: events of one subject keep their order.
    Consumers are idempotent on ``id``. Raises ``ValueError`` for a malformed topic or for data
    that is not small and flat.
    """

    topic: str
    subject: str
    data: EventData = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not _TOPIC.fullmatch(self.topic):
            raise ValueError(f"not a topic: {self.topic!r}")
        if self.time.utcoffset() is None:
            raise ValueError("the time of an event needs an offset")
        for key, value in self.data.items():
            if not isinstance(value, str | int | bool | None):
                raise ValueError(f"event data {key!r} is a {type(value).__name__}")
            if isinstance(value, str) and len(value) > _LONGEST_VALUE:
                raise ValueError(f"event data {key!r} is too long to be an id or a code")

    def to_json(self) -> bytes:
        return orjson.dumps(
            {
                "id": self.id,
                "topic": self.topic,
                "subject": self.subject,
                "time": self.time.astimezone(UTC).isoformat(),
                "data": dict(self.data),
            }
        )

    @classmethod
    def from_json(cls, raw: bytes | str) -> Event:
        """Read what :meth:`to_json` wrote; raises ``ValueError`` for anything else."""
        try:
            value: dict[str, Any] = orjson.loads(raw)
            return cls(
                topic=value["topic"],
                subject=value["subject"],
                data=value["data"],
                id=value["id"],
                time=datetime.fromisoformat(value["time"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not an event") from error
