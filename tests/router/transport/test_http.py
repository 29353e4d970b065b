"""The HTTP client against servers that are right, slow, dead, lying, huge and half-closed."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import brotli
import orjson
import pytest
import zstandard

from router.errors import SettingsInvalid, SubgraphError
from router.execution.client import UNREAD, SubgraphAnswer, SubgraphRequest
from router.transport import HttpClient, HttpOptions
from tests.patience import PATIENCE
from tests.router.transport.wire import Wire, always, http, wire

GOOD = b'{"data":{"a":1}}'
ASK = SubgraphRequest("{a}", {})


async def ask(
    url: str, request: SubgraphRequest = ASK, **options: Any
) -> SubgraphAnswer | SubgraphError:
    client = HttpClient(url, HttpOptions(**{"timeout": PATIENCE, **options}))
    try:
        return await client.fetch(request)
    except SubgraphError as error:
        return error
    finally:
        await client.aclose()


async def outcome(*chunks: bytes, close: bool = False, pause: float = 0.0, **options: Any) -> Any:
    async with wire(always(*chunks, close=close, pause=pause)) as server:
        return await ask(server.url, **options)


async def test_a_request_is_graphql_over_http_and_nothing_more() -> None:
    async with wire(always(http(GOOD))) as server:
        request = SubgraphRequest(
            'query Q{a(s:"é")}', {"x": [1, None]}, "Q", {"Authorization": "Bearer t"}
        )
        answer = await ask(server.url, request)
        assert isinstance(answer, SubgraphAnswer)
        assert answer.data == {"a": 1}
        head, body = server.requests[0]
        assert head.startswith(b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:")
        assert b"Authorization: Bearer t\r\n" in head
        assert b"content-type: application/json\r\n" in head
        assert orjson.loads(body) == {
            "query": 'query Q{a(s:"é")}',
            "operationName": "Q",
            "variables": {"x": [1, None]},
        }
        await ask(server.url)
        assert orjson.loads(server.requests[1][1]) == {"query": "{a}"}


async def test_headers_cannot_smuggle_lines_or_change_the_framing() -> None:
    headers = {
        "x-evil": "a\r\nx-injected: 1",
        "bad name": "1",
        "Content-Length": "3",
        "Transfer-Encoding": "chunked",
        "Host": "other",
        "x-unicode": "\u20ac",
        "x-fine": "ok",
    }
    async with wire(always(http(GOOD))) as server:
        await ask(server.url, SubgraphRequest("{a}", {}, None, headers))
        head = server.requests[0][0].lower()
    assert b"injected" not in head
    assert head.count(b"host:") == head.count(b"content-length:") == 1
    assert b"transfer-encoding" not in head
    assert b"bad name" not in head
    assert b"x-fine: ok\r\n" in head


async def test_connections_are_kept_and_used_again() -> None:
    async with wire(always(http(GOOD))) as server:
        client = HttpClient(server.url)
        for _ in range(5):
            await client.fetch(ASK)
        assert server.connections == 1
        await asyncio.gather(*(client.fetch(ASK) for _ in range(4)))
        assert 1 < server.connections <= 4
        await client.aclose()


async def test_no_more_connections_than_allowed_and_nobody_is_forgotten() -> None:
    async with wire(always(http(GOOD), pause=0.005)) as server:
        client = HttpClient(server.url, HttpOptions(connections=2))
        answers = await asyncio.gather(*(client.fetch(ASK) for _ in range(20)))
        assert len(answers) == 20
        assert server.connections == 2
        await client.aclose()


@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_answers_arrive_in_pieces_chunked_or_not(step: int) -> None:
    chunked = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n"
        + GOOD[:6]
        + b"\r\na;x=y\r\n"
        + GOOD[6:]
        + b"\r\n0\r\nx-trailer: 1\r\n\r\n"
    )
    for whole in (http(GOOD), chunked):
        pieces = [whole[i : i + step] for i in range(0, len(whole), step)]
        answer = await outcome(*pieces)
        assert answer.data == {"a": 1}


async def test_a_body_may_end_with_the_connection() -> None:
    answer = await outcome(b"HTTP/1.1 200 OK\r\n\r\n" + GOOD, close=True)
    assert answer.data == {"a": 1}


async def test_interim_responses_are_passed_over() -> None:
    answer = await outcome(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", http(GOOD))
    assert answer.data == {"a": 1}


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("gzip", lambda body: gzip.compress(body[:99], mtime=0) + gzip.compress(body[99:])),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
async def test_answers_are_decompressed_within_the_limit(name: str, encode: Any) -> None:
    header = f"content-encoding: {name}"
    body = orjson.dumps({"data": {"a": "x" * 10_000}})
    answer = await outcome(http(encode(body), header))
    assert answer.data == {"a": "x" * 10_000}
    answer = await outcome(http(encode(body), header), max_bytes=5_000)
    assert answer.error_code == "SUBREQUEST_TOO_LARGE"
    answer = await outcome(http(encode(body)[:-8], header))
    assert answer.error_code == "SUBREQUEST_MALFORMED_RESPONSE"
    answer = await outcome(http(b"garbage", header))
    assert answer.error_code == "SUBREQUEST_MALFORMED_RESPONSE"


async def test_encodings_are_undone_in_turn_on_however_many_lines_they_stand() -> None:
    body = brotli.compress(gzip.compress(GOOD, mtime=0))
    answer = await outcome(http(body, "content-encoding: gzip", "content-encoding: br"))
    assert answer.data == {"a": 1}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'\xef\xbb\xbf{"data":{"a":1}}', 1),
        (b' {"data":{"a":1}} \r\n\t', 1),
        (rb'{"data":{"a":"cut \ud83d"}}', "cut \ufffd"),
        (rb'{"data":{"a":"\uDE00\ud83d\ude00\ud83d\n"}}', "\ufffd\U0001f600\ufffd\n"),
        (rb'{"data":{"a":"\\ud83d \ud83d"}}', "\\ud83d \ufffd"),
    ],
)
async def test_json_is_read_where_javascript_reads_it(written: bytes, read: Any) -> None:
    answer = await outcome(http(written))
    assert answer.data == {"a": read}


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (http(b"<html>", status="502 Bad Gateway"), "SUBREQUEST_HTTP_ERROR"),
        (http(b"<html>"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b""), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"", status="500 Oops"), "SUBREQUEST_HTTP_ERROR"),
        (http(b"", status="204 No Content"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b'{"data":{"a":1}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"[1]"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"null"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"{}"), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b'{"data":[1]}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b'{"data":NaN}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"[" * 1500), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b'{"data":{"a":"\xff"}}'), "SUBREQUEST_MALFORMED_RESPONSE"),
        (http(b"moved", "location: /", status="302 Found"), "SUBREQUEST_HTTP_ERROR"),
        (b"SSH-2.0-OpenSSH\r\n", "SUBREQUEST_MALFORMED_RESPONSE"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "SUBREQUEST_MALFORMED_RESPONSE",
        ),
        (http(b"x" * 3_000), "SUBREQUEST_TOO_LARGE"),
    ],
)
async def test_what_is_no_graphql_response_is_an_error_with_a_code(
    response: bytes, code: str
) -> None:
    found = await outcome(response, max_bytes=2_000)
    assert found.error_code == code


async def test_a_graphql_body_counts_whatever_the_status() -> None:
    answer = await outcome(http(b'{"errors":[{"message":"m"}]}', status="400 Bad Request"))
    assert answer.errors == ({"message": "m"},)
    assert answer.data is None
    answer = await outcome(http(GOOD, status="500 Oops"))
    assert answer.data == {"a": 1}
    error = await outcome(http(b"gone", status="410 Gone"))
    assert error.to_graphql()["extensions"]["http"] == {"status": 410}


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 503 Busy\r\n\r\n",
        b"HTTP/1.0 503 Busy\r\nserver: old\r\n\r\n<html>",
        http(b"", "content-encoding: gzip", status="503 Busy"),
        http(b"<html>", "content-encoding: gzip", status="503 Busy"),
        http(gzip.compress(b"<html>", mtime=0), "content-encoding: gzip", status="503 Busy"),
    ],
)
async def test_a_failure_is_told_by_its_status_whatever_its_body(response: bytes) -> None:
    error = await outcome(response, close=True)
    assert error.to_graphql()["extensions"]["http"] == {"status": 503}


async def test_an_offer_of_another_protocol_is_passed_over() -> None:
    answer = await outcome(http(GOOD, "upgrade: h2,h2c", "connection: Upgrade, Keep-Alive"))
    assert answer.data == {"a": 1}


async def test_a_slow_subgraph_runs_into_the_deadline() -> None:
    async def silent(_: Wire, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")

    async with wire(silent) as server:
        found = await ask(server.url, timeout=0.1)
    assert isinstance(found, SubgraphError)
    assert found.error_code == "SUBREQUEST_TIMEOUT"


async def test_a_head_that_does_not_end_runs_into_the_deadline_too() -> None:
    found = await outcome(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, timeout=0.1)
    assert found.error_code == "SUBREQUEST_TIMEOUT"


async def test_a_call_that_waits_for_a_connection_has_a_deadline_too() -> None:
    async def silent(_: Wire, writer: asyncio.StreamWriter, __: bytes) -> None:
        await asyncio.sleep(0.3)

    async with wire(silent) as server:
        client = HttpClient(server.url, HttpOptions(timeout=0.1, connections=1))
        outcomes = await asyncio.gather(
            *(client.fetch(ASK) for _ in range(3)), return_exceptions=True
        )
        assert [getattr(each, "error_code", None) for each in outcomes] == [
            "SUBREQUEST_TIMEOUT"
        ] * 3
        await client.aclose()


async def test_a_dead_subgraph_is_an_error_at_once() -> None:
    async with wire(always(http(GOOD))) as server:
        url = server.url
    found = await ask(url)
    assert isinstance(found, SubgraphError)
    assert found.error_code == "SUBREQUEST_HTTP_ERROR"


async def test_a_connection_closed_half_way_is_an_error() -> None:
    found = await outcome(http(GOOD)[:-3], close=True)
    assert found.error_code == "SUBREQUEST_HTTP_ERROR"
    found = await outcome(b"HTT", close=True)
    assert found.error_code == "SUBREQUEST_HTTP_ERROR"


@pytest.mark.parametrize("mutation", [False, True])
async def test_a_stale_connection_is_tried_once_more_but_not_for_mutations(mutation: bool) -> None:
    async def once_per_connection(seen: Wire, writer: asyncio.StreamWriter, _: bytes) -> None:
        # answers the first request of a connection and hangs up on the second
        if len(seen.requests) == 2:
            writer.transport.abort()
        else:
            writer.write(http(GOOD))

    async with wire(once_per_connection) as server:
        client = HttpClient(server.url)
        await client.fetch(ASK)
        again = SubgraphRequest("mutation{a}", {}, mutation=mutation)
        if mutation:
            with pytest.raises(SubgraphError):
                await client.fetch(again)
            assert len(server.requests) == 2
        else:
            assert (await client.fetch(again)).data == {"a": 1}
            assert len(server.requests) == 3
        await client.aclose()


@pytest.mark.parametrize("more", [http(b'{"data":{"a":"somebody else"}}'), b"no HTTP"])
async def test_a_connection_with_bytes_that_nobody_asked_for_is_not_used_again(
    more: bytes,
) -> None:
    async with wire(always(http(GOOD) + more)) as server:
        client = HttpClient(server.url)
        for _ in range(3):
            assert (await client.fetch(ASK)).data == {"a": 1}
        assert server.connections == 3
        await client.aclose()


async def test_a_subgraph_that_closes_politely_gets_a_new_connection() -> None:
    async with wire(always(http(GOOD, "connection: close"))) as server:
        client = HttpClient(server.url)
        for _ in range(3):
            await client.fetch(ASK)
        assert server.connections == 3
        await client.aclose()


async def test_a_cancelled_request_gives_its_connection_up() -> None:
    async with wire(always(http(GOOD), pause=0.02)) as server:
        client = HttpClient(server.url)
        task = asyncio.ensure_future(client.fetch(SubgraphRequest("{slow}", {})))
        await asyncio.sleep(0)
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await client.fetch(ASK)).data == {"a": 1}
        await client.aclose()


async def test_bytes_are_kept_unread_where_the_caller_wants_no_more() -> None:
    raw = SubgraphRequest("{a}", {}, raw=True)
    async with wire(always(http(GOOD))) as server:
        answer = await ask(server.url, raw)
        assert isinstance(answer, SubgraphAnswer)
        assert (answer.data, answer.raw) == (UNREAD, GOOD)
    body = b'{"data":{"a":1},"errors":[{"message":"m"}]}'
    async with wire(always(http(body))) as server:
        answer = await ask(server.url, raw)
        assert isinstance(answer, SubgraphAnswer)
        assert (answer.data, len(answer.errors)) == ({"a": 1}, 1)


async def test_one_client_serves_one_loop_after_the_other() -> None:
    async with wire(always(http(GOOD))) as server:
        client = HttpClient(server.url)
        await client.fetch(ASK)
        await client.aclose()
        with pytest.raises(SubgraphError):
            await client.fetch(ASK)


@pytest.mark.parametrize("url", ["", "localhost:4000", "ftp://x", "http://", "/graphql"])
def test_what_is_no_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="no URL of a subgraph"):
        HttpClient(url)
