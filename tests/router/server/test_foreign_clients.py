"""The router as clients see it that nobody here wrote: npm packages, run by Node."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE


async def node(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "node", *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE
    )


async def test_the_graphql_http_audit_passes_whole(served: Any, clients_js: Path) -> None:
    process = await node(clients_js, "audit.mjs", f"http://{await served()}/graphql")
    output, _ = await process.communicate()
    results = json.loads(output)
    assert len(results) > 50
    assert [result for result in results if result["status"] != "ok"] == []


@pytest.mark.parametrize("kind", ["ws", "sse", "sse-single", "urql"])
async def test_a_foreign_client_hears_every_event(
    served: Any, library: Any, clients_js: Path, kind: str
) -> None:
    scheme = "ws" if kind == "ws" else "http"
    url = f"{scheme}://{await served()}/graphql"
    query = "subscription { arrivals { title author } }"
    process = await node(clients_js, "subscribe.mjs", kind, url, query)
    assert process.stdout is not None
    heard: list[str] = []
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await process.stdout.readline()) == {"subscribed": True}
        await library.published_to(1)
        for title in ("Emma", "Walden"):
            library.publish(title)
            heard.append(_title(await process.stdout.readline()))
        library.publish(None)
        while json.loads(line := await process.stdout.readline()) != {"done": True}:
            assert _title(line) == heard[-1]  # urql says its last result again at the end
        await process.wait()
    assert heard == ["Emma", "Walden"]


def _title(line: bytes) -> str:
    return str(json.loads(line)["next"]["data"]["arrivals"]["title"])


APOLLO = "subscription { arrivals { id title author } }"


@pytest.mark.parametrize("kind", ["ws", "multipart"])
async def test_apollo_client_hears_every_event(
    served: Any, library: Any, clients_js: Path, kind: str
) -> None:
    scheme = "ws" if kind == "ws" else "http"
    process = await node(
        clients_js, "apollo.mjs", kind, f"{scheme}://{await served()}/graphql", APOLLO
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await process.stdout.readline()) == {"subscribed": True}
        await library.published_to(1)
        for title in ("Emma", "Walden"):
            library.publish(title)
            assert _title(await process.stdout.readline()) == title
        library.publish(None)
        assert json.loads(await process.stdout.readline()) == {"done": True}
        await process.wait()
    await library.published_to(0)


async def apollo(folder: Path, kind: str, address: str, document: str) -> list[Any]:
    """What Apollo Client says about a document, result by result."""
    process = await node(folder, "apollo.mjs", kind, f"http://{address}/graphql", document)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    return [json.loads(line) for line in output.splitlines()]


async def test_apollo_client_asks_and_changes(served: Any, clients_js: Path) -> None:
    address = await served()
    asked, changed = await asyncio.gather(
        apollo(clients_js, "query", address, "{ books(first: 1) { id title price } }"),
        apollo(clients_js, "query", address, 'mutation { lend(id: "1") }'),
    )
    book = {"__typename": "Book", "id": "1", "title": "Emma", "price": None}
    assert asked[0]["data"] == {"books": [book]}
    assert asked[0]["codes"] == ["UNAUTHORIZED_FIELD_OR_TYPE"]
    assert [result["data"] for result in changed] == [{"lend": 1}, {"lend": 2}]


async def test_apollo_client_registers_a_text_once_and_gets_by_hash(
    served: Any, clients_js: Path
) -> None:
    first, second = await apollo(clients_js, "persisted", await served(), "{ books { id title } }")
    assert first["sent"] == ["GET hash", "POST text"]
    assert second["sent"] == ["GET hash"]
    assert first["data"] == second["data"]


@pytest.mark.parametrize("form", ["defer-2022", "defer-ids"])
async def test_apollo_client_merges_what_is_deferred(
    served: Any, clients_js: Path, form: str
) -> None:
    """Both of its handlers: the form of 2022 and the current one, in which parts have ids."""
    document = "{ books(first: 1) { id title ... @defer { author } } }"
    results = await apollo(clients_js, form, await served(), document)
    assert results[-1]["state"] == "complete"
    assert results[-1]["data"]["books"][0]["author"] == "author of 1"
    assert any(result["state"] == "streaming" for result in results)


async def test_urql_merges_what_is_deferred(served: Any, clients_js: Path) -> None:
    """It names no version of the protocol."""
    document = "{ books(first: 1) { id title ... @defer { author } } }"
    url = f"http://{await served()}/graphql"
    process = await node(clients_js, "subscribe.mjs", "urql-defer", url, document)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    said = [json.loads(line) for line in output.splitlines()]
    results = [line["next"] for line in said if "next" in line]
    assert results[-1] == {
        "data": {"books": [{"id": "1", "title": "Emma", "author": "author of 1"}]}
    }
    assert "author" not in results[0]["data"]["books"][0]
    assert {"done": True} in said
