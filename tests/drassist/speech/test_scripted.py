"""The scripted engine is a speech engine whose words are known."""

from drassist.speech.engine import SessionOptions
from drassist.speech.events import SAMPLE_RATE
from drassist.speech.scripted import Line, ScriptedEngine

LINES = [Line(0.5, 2.0, "I have a fever"), Line(3.0, 4.0, "since Monday", speaker="patient")]


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * SAMPLE_RATE) * 2)


async def test_a_line_grows_and_then_stands() -> None:
    session = await ScriptedEngine(LINES).open(SessionOptions())
    heard = [event for _ in range(10) for event in await session.feed(silence(0.5))]
    assert [(e.kind, e.segment, e.text) for e in heard if e.kind == "final"] == [
        ("final", 0, "I have a fever"),
        ("final", 1, "since Monday"),
    ]
    partials = [event.text for event in heard if event.kind == "partial" and event.segment == 0]
    assert partials
    assert all("I have a fever".startswith(text) for text in partials)
    assert heard[-1].speaker == "patient"


async def test_a_session_taken_up_again_goes_on_with_the_next_segment() -> None:
    session = await ScriptedEngine(LINES).open(SessionOptions(offset=2.0, first_segment=1))
    (event,) = [e for e in await session.feed(silence(2.0)) if e.kind == "final"]
    assert (event.segment, event.text) == (1, "since Monday")


async def test_finishing_closes_the_line_being_spoken() -> None:
    session = await ScriptedEngine(LINES).open(SessionOptions())
    await session.feed(silence(1.0))
    (event,) = await session.finish()
    assert event.kind == "final"
    assert event.end == 1.0
    assert await session.finish() == ()
