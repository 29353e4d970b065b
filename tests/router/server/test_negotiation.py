"""Which media type an Accept header asks for."""

from __future__ import annotations

import pytest

from router.server.negotiation import Accepts, Single, Stream, accepts, is_json_utf8

JSON, GRAPHQL = Single.JSON, Single.GRAPHQL


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Accepts(JSON, None)),
        ("", Accepts(JSON, None)),
        ("*/*", Accepts(JSON, None)),
        ("application/*", Accepts(JSON, None)),
        ("application/json", Accepts(JSON, None)),
        ("application/graphql-response+json", Accepts(GRAPHQL, None)),
        ("application/json, application/graphql-response+json", Accepts(JSON, None)),
        ("application/graphql-response+json, application/json;q=0.9", Accepts(GRAPHQL, None)),
        ("application/graphql-response+json;q=0.1, application/json", Accepts(JSON, None)),
        ("application/graphql-response+json;q=0, application/json", Accepts(JSON, None)),
        ("application/json;q=0, */*", Accepts(GRAPHQL, None)),
        ("APPLICATION/JSON; Charset=UTF-8", Accepts(JSON, None)),
        ("application/graphql+json, application/json", Accepts(JSON, None)),
        ("text/html", Accepts(None, None)),
        ("text/event-stream", Accepts(None, Stream.SSE)),
        ("text/event-stream, multipart/mixed", Accepts(None, Stream.SSE)),
        (
            'multipart/mixed;boundary=graphql;subscriptionSpec="1.0",application/json',
            Accepts(JSON, Stream.MULTIPART),
        ),
        (
            "multipart/mixed;deferSpec=20220824,application/json",
            Accepts(JSON, Stream.DEFER_2022),
        ),
        (
            "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json",
            Accepts(GRAPHQL, Stream.DEFER_IDS),
        ),
        ("application/json, multipart/mixed", Accepts(JSON, Stream.DEFER_BOTH)),
        ("application/json;q=nonsense", Accepts(None, None)),
    ],
)
def test_an_accept_header_names_its_best_types(header: str | None, expected: Accepts) -> None:
    assert accepts(header) == expected


@pytest.mark.parametrize(
    ("content_type", "readable"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('application/json; charset="UTF-8"', True),
        ("application/json; charset=iso-8859-1", False),
        ("application/graphql-response+json", False),
        ("text/plain", False),
    ],
)
def test_only_json_in_utf_8_is_read(content_type: str, readable: bool) -> None:
    assert is_json_utf8(content_type) is readable
