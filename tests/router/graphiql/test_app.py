"""The page is self-hosted, tells only what it was given, and says how to build it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
from starlette.applications import Starlette
from starlette.routing import Mount

from router.graphiql import ClientEntry, GraphiQLConfig, Operation, SignIn, create_graphiql
from router.graphiql.app import BUILD

CONFIG = GraphiQLConfig(
    title="Graph",
    clients=(
        ClientEntry("web", "Web", "/web/graphql", (Operation("1", "Me", "query Me { me }"),)),
    ),
    identity=SignIn("http://127.0.0.1:4000/idp"),
)


def browser(build: Path = BUILD) -> httpx2.AsyncClient:
    app = Starlette(routes=[Mount("/ide", create_graphiql(CONFIG, build=build))])
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://test", follow_redirects=True)


async def test_the_page_and_its_scripts_come_from_here_alone() -> None:
    page = await browser().get("/ide/")
    assert page.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    scripts = [source for source in sources if not source.startswith("data:")]
    assert scripts
    for script in scripts:
        assert script.startswith("./assets/")
        assert (await browser().get(f"/ide/{script}")).status_code == 200
    assert (
        "connect-src 'self' ws: wss: http://127.0.0.1:4000/idp"
        in (page.headers["content-security-policy"])
    )


async def test_the_configuration_names_clients_operations_and_identity() -> None:
    config = (await browser().get("/ide/config.json")).json()
    assert config["clients"][0]["operations"][0]["body"] == "query Me { me }"
    assert config["identity"]["clientId"] == "graphiql"


async def test_an_unbuilt_page_says_how_to_build_it(tmp_path: Path) -> None:
    page = await browser(tmp_path).get("/ide/")
    assert page.status_code == 503
    assert "make graphiql" in page.text
