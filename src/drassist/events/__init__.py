"""Events: an outbox in the writer's transaction, a relay that delivers it, a bus that spreads it.

outbox = Outbox(metadata)                            # beside the models: one more table
await outbox.add(session, Event("notes.note.signed", note.id, {"encounter_id": e.id}))
async with Relay(database, outbox, {BUS: bus.publish, "lab": send_to_lab}):
    ...                                              # while the subgraph lives
async with await bus.subscribe("notes.note.*") as events:
    async for event in events: ...                   # live, for people who watch
await bus.consume("ehr", on_signed, "notes.note.signed")   # at least once, for work
"""

from drassist.events.bus import Bus, Handler, Lagged, MemoryBus, Subscription
from drassist.events.event import Event, EventData
from drassist.events.opening import open_bus
from drassist.events.outbox import BUS, DeadLetter, Destination, Outbox, Relay, Undeliverable

__all__ = [
    "BUS",
    "Bus",
    "DeadLetter",
    "Destination",
    "Event",
    "EventData",
    "Handler",
    "Lagged",
    "MemoryBus",
    "Outbox",
    "Relay",
    "Subscription",
    "Undeliverable",
    "open_bus",
]
