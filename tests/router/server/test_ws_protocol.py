"""graphql-transport-ws as a table: state and frame in, event out."""

from __future__ import annotations

import json

import pytest

from router.server.ws_protocol import (
    Close,
    Complete,
    Init,
    Pinged,
    Session,
    Start,
    error_message,
    next_message,
    short_reason,
)


def acked() -> Session:
    session = Session()
    session.receive('{"type":"connection_init"}')
    session.acked()
    return session


def subscribe(id_: object = "1", payload: object = None) -> str:
    return json.dumps({"type": "subscribe", "id": id_, "payload": payload or {"query": "{a}"}})


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "not json",
        "[]",
        '"x"',
        "null",
        "{}",
        '{"type":"ka"}',
        '{"type":"start","id":"1","payload":{}}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"ping","payload":1}',
        '{"type":"pong","payload":"x"}',
        '{"type":"complete"}',
        '{"type":"complete","id":""}',
        '{"type":"subscribe","id":1,"payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{a}"}}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":[]}',
    ],
)
@pytest.mark.parametrize("ready", [False, True])
def test_a_frame_of_the_wrong_shape_closes_with_4400(frame: str | None, ready: bool) -> None:
    if ready and frame and "connection_init" in frame:
        return
    event = (acked() if ready else Session()).receive(frame)
    assert isinstance(event, Close)
    assert event.code == 4400


@pytest.mark.parametrize("payload", ["", ',"payload":null', ',"payload":{}'])
def test_init_may_come_without_a_payload(payload: str) -> None:
    assert Session().receive('{"type":"connection_init"' + payload + "}") == Init({})


def test_a_second_init_closes_with_4429_even_before_the_ack() -> None:
    session = Session()
    session.receive('{"type":"connection_init"}')
    event = session.receive('{"type":"connection_init"}')
    assert isinstance(event, Close)
    assert event.code == 4429


def test_subscribing_before_the_ack_closes_with_4401() -> None:
    assert Session().receive(subscribe()) == Close(4401, "Unauthorized")


def test_a_live_id_closes_with_4409_and_an_ended_one_is_free_again() -> None:
    session = acked()
    assert isinstance(session.receive(subscribe()), Start)
    assert session.receive(subscribe()) == Close(4409, "Subscriber for 1 already exists")
    session.ended("1")
    assert isinstance(session.receive(subscribe()), Start)


def test_completing_twice_is_ignored() -> None:
    session = acked()
    session.receive(subscribe())
    assert session.receive('{"type":"complete","id":"1"}') == Complete("1")
    assert session.receive('{"type":"complete","id":"1"}') is None
    assert not session.ended("1")


def test_a_ping_is_answered_before_init_with_its_payload() -> None:
    event = Session().receive('{"type":"ping","payload":{"t":1}}')
    assert isinstance(event, Pinged)
    assert json.loads(event.reply) == {"type": "pong", "payload": {"t": 1}}


def test_a_next_message_carries_the_response_as_it_is() -> None:
    message = json.loads(next_message('a"b', b'{"data":{"a":1}}'))
    assert message == {"id": 'a"b', "type": "next", "payload": {"data": {"a": 1}}}


def test_an_error_message_carries_a_list() -> None:
    assert json.loads(error_message("1", [{"message": "no"}]))["payload"] == [{"message": "no"}]


def test_a_close_reason_fits_its_frame() -> None:
    assert len(short_reason("ü" * 200).encode()) <= 123
