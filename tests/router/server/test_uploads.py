"""File uploads: the GraphQL multipart request, streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ariadne import MutationType, QueryType, ScalarType
from ariadne.contrib.federation import make_federated_schema

from router import Router
from router.execution.upload import Upload
from router.settings import Settings, UploadSettings
from tests.router.asgi import http_to

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
scalar Upload
type Query { nothing: Int }
input Sheet { scan: Upload note: String }
type Mutation { file(scan: Upload!, more: [Upload!]): String  sheet(sheet: Sheet!): String }
"""
FILE = "mutation ($f: Upload!, $m: [Upload!]) { file(scan: $f, more: $m) }"
ON = Settings(uploads=UploadSettings(enabled=True, file_bytes=1000, files=3, memory_bytes=64))


def archive() -> Any:
    mutation = MutationType()

    async def read(upload: Upload) -> str:
        await upload.begun()
        text = b"".join([piece async for piece in upload]).decode()
        return f"{upload.filename} {upload.content_type} {text[:9]}"

    @mutation.field("file")
    async def file(*_: Any, scan: Upload, more: Any = ()) -> str:
        return "; ".join([await read(upload) for upload in (scan, *(more or ()))])

    @mutation.field("sheet")
    async def sheet(*_: Any, sheet: dict[str, Any]) -> str:
        return f"{sheet['note']}: {await read(sheet['scan'])}"

    scalar = ScalarType("Upload", value_parser=lambda value: value)
    return make_federated_schema(SDL, [mutation, QueryType(), scalar])


@pytest.fixture
async def http() -> Any:
    async with (
        Router.from_subgraphs({"archive": archive()}, settings=ON) as router,
        http_to(router, headers={"apollo-require-preflight": "1"}) as http,
    ):
        yield http


async def send(http: Any, operations: Any, places: Any, *files: tuple[str, str, bytes]) -> Any:
    parts: list[tuple[str, Any]] = []
    if operations is not None:
        parts.append(("operations", (None, json.dumps(operations))))
    if places is not None:
        parts.append(("map", (None, json.dumps(places))))
    parts += [(key, (name, data, "text/plain")) for key, name, data in files]
    return await http.post("/graphql", files=parts)


async def test_files_reach_a_subgraph_in_this_process(http: Any) -> None:
    operations = {"query": FILE, "variables": {"f": None, "m": [None]}}
    places = {"0": ["variables.f"], "1": ["variables.m.0"]}
    answer = await send(
        http, operations, places, ("0", "a.txt", b"first"), ("1", "b.txt", b"x" * 500)
    )
    assert answer.json() == {"data": {"file": "a.txt text/plain first; b.txt text/plain xxxxxxxxx"}}


async def test_a_file_may_lie_inside_an_input(http: Any) -> None:
    query = "mutation ($s: Sheet!) { sheet(sheet: $s) }"
    operations = {"query": query, "variables": {"s": {"scan": None, "note": "n"}}}
    answer = await send(http, operations, {"0": ["variables.s.scan"]}, ("0", "a", b"abc"))
    assert answer.json() == {"data": {"sheet": "n: a text/plain abc"}}


VARIABLES = {"query": FILE, "variables": {"f": None}}


@pytest.mark.parametrize(
    ("operations", "places", "files", "status"),
    [
        (VARIABLES, {"0": ["variables.f"]}, [("0", "a", b"x" * 2000)], 413),
        (VARIABLES, {str(n): ["variables.f"] for n in range(4)}, [("0", "a", b"x")], 413),
        (VARIABLES, {"0": ["variables.f"]}, [(str(n), "a", b"x") for n in (4, 3, 2, 0)], 413),
        (VARIABLES, {"0": ["variables.f"]}, [("0", "a", b"x" * 20_000_000)], 413),
        (VARIABLES, {"0": ["variables.f"]}, [], 400),
        (VARIABLES, {"0": ["query"]}, [("0", "a", b"x")], 400),
        (VARIABLES, {"0": ["variables.gone"]}, [("0", "a", b"x")], 400),
        (VARIABLES, {"0": ["variables.f.__proto__"]}, [("0", "a", b"x")], 400),
        ({**VARIABLES, "variables": {"f": 1}}, {"0": ["variables.f"]}, [("0", "a", b"x")], 400),
        (VARIABLES, [], [("0", "a", b"x")], 400),
        (VARIABLES, None, [("0", "a", b"x")], 400),
        (None, {"0": ["variables.f"]}, [("0", "a", b"x")], 400),
    ],
)
async def test_what_breaks_the_rules_is_refused(
    http: Any, operations: Any, places: Any, files: Any, status: int
) -> None:
    answer = await send(http, operations, places, *files)
    assert answer.status_code == status
    assert "errors" in answer.json()


async def test_a_cut_off_body_is_refused(http: Any) -> None:
    head = b'--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{}'
    answer = await http.post(
        "/graphql", content=head, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400


async def test_uploads_are_off_by_default_and_need_a_preflight(client: Any) -> None:
    plain = await client()
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert (await plain.post("/graphql", content=b"", headers=kind)).status_code == 403
    asked = {**kind, "apollo-require-preflight": "1"}
    assert (await plain.post("/graphql", content=b"", headers=asked)).status_code == 415
