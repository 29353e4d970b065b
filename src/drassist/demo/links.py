"""Where to look at what a consultation made: GraphiQL, open at the saved operation that reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from drassist.demo.consultation import Played

__all__ = ["Link", "links"]


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that was made: ``operation`` of ``client`` reads it with ``variables``."""

    what: str
    client: str
    operation: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def url(self, base: str) -> str:
        """Its address in the GraphiQL of ``base``; it holds opaque ids, and no word of a chart."""
        query = {"client": self.client, "operation": self.operation}
        if self.variables:
            query["variables"] = json.dumps(dict(self.variables), separators=(",", ":"))
        return f"{base.rstrip('/')}/?{urlencode(query)}"


def links(made: Played) -> Iterator[Link]:
    """What there is to look at, in the order in which it was made."""
    yield Link("patient", "web", "Patient", {"id": made.patient["id"]})
    yield Link("encounter", "web", "Consultation", {"encounterId": made.encounter_id})
    yield Link("note", "web", "Note", {"id": made.note["id"]})
    yield Link("order", "web", "Order", {"id": made.order["id"]})
    for report in made.order["reports"]:
        yield Link("result", "web", "Result", {"id": report["id"]})
    yield Link("prescription", "web", "Prescription", {"id": made.prescription["id"]})
    yield Link("consent", "web", "ConsentRequest", {"id": made.consent["id"]})
    yield Link("phone", "mobile", "Home")
