"""The audio protocol without a socket: frames in, steps out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drassist.speech.protocol import (
    AudioError,
    AudioLimits,
    AudioSession,
    Begin,
    End,
    Keep,
    Tell,
    pack_chunk,
)

START = json.dumps({"type": "start", "recordingId": "r1", "token": "t"})
PCM = b"\x01\x02" * 8


def streaming(through: int = 0, limits: AudioLimits | None = None) -> AudioSession:
    session = AudioSession(limits)
    assert session.receive(START) == Begin("r1", "t")
    session.began(through)
    return session


def told(step: object) -> dict[str, object]:
    assert isinstance(step, Tell)
    message: dict[str, object] = json.loads(step.message)
    return message


def test_a_chunk_is_acknowledged_only_when_it_is_stored() -> None:
    session = streaming()
    assert session.receive(pack_chunk(1, PCM)) == Keep(1, PCM)
    assert session.through == 0
    assert json.loads(session.stored(1)) == {"type": "ack", "through": 1}


def test_a_resumed_session_says_where_it_is() -> None:
    session = AudioSession()
    session.receive(START)
    ready = json.loads(session.began(7))
    assert ready["through"] == 7
    assert session.receive(pack_chunk(8, PCM)) == Keep(8, PCM)


def test_a_duplicate_is_acknowledged_and_not_stored_again() -> None:
    session = streaming(through=3)
    assert told(session.receive(pack_chunk(2, PCM))) == {"type": "ack", "through": 3}


def test_a_gap_is_asked_for_once() -> None:
    session = streaming()
    assert told(session.receive(pack_chunk(3, PCM))) == {"type": "resend", "from": 1}
    assert session.receive(pack_chunk(4, PCM)) is None
    assert session.receive(pack_chunk(1, PCM)) == Keep(1, PCM)
    session.stored(1)
    assert told(session.receive(pack_chunk(4, PCM))) == {"type": "resend", "from": 2}


def test_finishing_too_early_asks_for_what_is_missing() -> None:
    session = streaming(through=2)
    finish = json.dumps({"type": "finish", "through": 3})
    assert told(session.receive(finish)) == {"type": "resend", "from": 3}
    session.receive(pack_chunk(3, PCM))
    session.stored(3)
    assert session.receive(finish) == End(3)
    session.finished(1.0)
    with pytest.raises(AudioError) as caught:
        session.receive(pack_chunk(4, PCM))
    assert caught.value.code == "AUDIO_FINISHED"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pack_chunk(1, bytes(20)), "AUDIO_CHUNK_TOO_LARGE"),
        (pack_chunk(1, b"odd"), "AUDIO_BAD_CHUNK"),
        (pack_chunk(1, b""), "AUDIO_BAD_CHUNK"),
        (pack_chunk(0, PCM), "AUDIO_BAD_CHUNK"),
        (b"short", "AUDIO_BAD_CHUNK"),
        ("{", "AUDIO_BAD_MESSAGE"),
        ("[]", "AUDIO_BAD_MESSAGE"),
        (START, "AUDIO_BAD_MESSAGE"),
        ('{"type":"finish"}', "AUDIO_BAD_MESSAGE"),
        ('{"type":"finish","through":true}', "AUDIO_BAD_MESSAGE"),
    ],
)
def test_a_frame_out_of_order_has_a_code(frame: str | bytes, code: str) -> None:
    with pytest.raises(AudioError) as caught:
        streaming(limits=AudioLimits(chunk_bytes=16)).receive(frame)
    assert caught.value.code == code
    assert json.loads(caught.value.to_message())["code"] == code


@pytest.mark.parametrize(
    "frame", [pack_chunk(1, PCM), "{}", '{"type":"start"}', '{"type":"start","recordingId":1}', "x"]
)
def test_a_session_begins_with_a_start_message(frame: str | bytes) -> None:
    with pytest.raises(AudioError):
        AudioSession().receive(frame)


@given(st.lists(st.integers(1, 30), max_size=200))
def test_whatever_arrives_is_stored_in_order_without_holes(sequences: list[int]) -> None:
    session = streaming()
    kept: list[int] = []
    for sequence in sequences:
        step = session.receive(pack_chunk(sequence, PCM))
        if isinstance(step, Keep):
            kept.append(step.sequence)
            session.stored(step.sequence)
    assert kept == list(range(1, len(kept) + 1))
    assert session.through == len(kept)


@given(st.one_of(st.text(), st.binary()))
def test_no_frame_breaks_the_server(frame: str | bytes) -> None:
    for session in (AudioSession(), streaming()):
        try:
            session.receive(frame)
        except AudioError as error:
            assert error.code.startswith("AUDIO_")  # noqa: PT017  # either outcome is fine
