"""The router as clients see it that nobody here wrote: npm packages, run by Node."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "clients-js"


@pytest.fixture(scope="session")
def clients_js() -> Path:
    """The folder with the npm packages installed; skips loudly without Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
            pytest.fail("Node and npm are required")
        pytest.skip("no Node here")
    installed = PACKAGE / "node_modules" / ".installed"
    wanted = (PACKAGE / "package.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=PACKAGE, check=True, timeout=120)
        installed.write_text(wanted)
    return PACKAGE


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


@pytest.mark.parametrize("kind", ["ws", "sse", "urql"])
async def test_a_foreign_client_hears_every_event(
    served: Any, library: Any, clients_js: Path, kind: str
) -> None:
    scheme = "ws" if kind == "ws" else "http"
    url = f"{scheme}://{await served()}/graphql"
    query = "subscription { arrivals { title author } }"
    process = await node(clients_js, "subscribe.mjs", kind, url, query)
    assert process.stdout is not None
    heard: list[str] = []
    async with asyncio.timeout(20):
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
