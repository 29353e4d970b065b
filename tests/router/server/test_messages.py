"""The GraphQL request inside an HTTP request."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from router.server.messages import parse_json, request_from_mapping, request_from_query
from router.server.refusals import Refused


def test_unknown_members_are_ignored() -> None:
    request = request_from_mapping({"query": "{ a }", "colour": "red"})
    assert request.query == "{ a }"


def test_null_is_an_absent_parameter() -> None:
    request = request_from_mapping(
        {"query": "{ a }", "variables": None, "operationName": None, "extensions": None}
    )
    assert (request.variables, request.operation_name, request.extensions) == (None, None, {})


@pytest.mark.parametrize(
    "body",
    [
        None,
        "x",
        [],
        {},
        {"query": 1},
        {"query": "{ a }", "variables": []},
        {"query": "{ a }", "operationName": False},
        {"query": "{ a }", "extensions": "x"},
        {"query": "{ a }", "extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}},
        {"documentId": "../etc/passwd"},
    ],
)
def test_a_malformed_request_is_refused(body: object) -> None:
    with pytest.raises(Refused) as refusal:
        request_from_mapping(body, malformed=422)
    assert refusal.value.http_status == 422


@pytest.mark.parametrize(
    "body",
    [b"{ nope", b"", b'{"a": NaN}', b"\xff\xfe{\x00}\x00", b"[" * 100 + b"]" * 100],
)
def test_what_is_no_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        parse_json(body, 64)
    assert refusal.value.http_status == 400


def test_brackets_inside_strings_are_no_nesting() -> None:
    assert parse_json(b'{"a":"' + b"[" * 500 + b'"}', 64) == {"a": "[" * 500}


def test_empty_url_parameters_are_absent() -> None:
    query = urlencode({"query": "{ a }", "operationName": "", "variables": ""})
    request = request_from_query(query.encode(), 64)
    assert (request.operation_name, request.variables) == (None, None)


def test_a_plus_in_a_url_is_a_space() -> None:
    assert request_from_query(b"query={+a+}", 64).query == "{ a }"


def test_a_parameter_that_comes_twice_is_refused() -> None:
    with pytest.raises(Refused, match="twice"):
        request_from_query(b"query={a}&query={b}", 64)


def test_an_apq_hash_is_a_document_id_that_may_come_with_its_text() -> None:
    request = request_from_mapping(
        {"query": "{a}", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab"}}}
    )
    assert (request.document_id, request.apq) == ("ab", True)
