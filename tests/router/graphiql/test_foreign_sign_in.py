"""GraphiQL signs people in with an identity provider that nobody here wrote: code, PKCE, consent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace
from playwright.async_api import Browser, Page, expect

from router import Router
from router.contracts.contract import Contract
from router.graphiql import GraphiQLConfig, SignIn, create_graphiql
from router.graphiql.app import BUILD
from router.page import graphiql_config
from router.settings import JwtIssuer, JwtSettings, Settings
from tests.patience import PATIENCE
from tests.router.foreign_issuer import GRAPH, Issuer, running_issuer
from tests.router.graphiql.conftest import missing
from tests.router.server.conftest import Library, serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    # what the browser leaves open at its end is not ours to judge
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest_asyncio.fixture(loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest_asyncio.fixture(loop_scope="module")
async def base(issuer: Issuer) -> AsyncIterator[str]:
    """The address of a router whose GraphiQL signs in with the provider."""
    if not BUILD.joinpath("index.html").is_file():
        missing("the GraphiQL page (make graphiql)")

    def config() -> GraphiQLConfig:
        identity = SignIn(issuer.url, scope="openid stock:read")
        welcome = "query Price { books(first: 1) { price stock } }"
        return replace(graphiql_config(router.generation), identity=identity, welcome=welcome)

    trusted = JwtSettings(issuers=(JwtIssuer(issuer=issuer.url, audiences=(GRAPH,)),))
    router = Router.from_subgraphs(
        Library().subgraphs(),
        settings=Settings(jwt=trusted),
        contracts=(Contract(name="web", graphiql=True),),
        page=create_graphiql(config),
    )
    async with router, serve(router) as address:
        yield f"http://{address}"


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    page = await context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    await context.close()


async def sign_in(page: Page, who: str) -> None:
    """Through the provider's own pages."""
    await page.get_by_text("Sign in", exact=True).click()
    await page.fill("input[name=login]", who)
    await page.fill("input[name=password]", "any will do")
    await page.click("button[type=submit]")
    await page.get_by_role("button", name="Continue").click()


async def answered(page: Page, text: str) -> None:
    """Run the query until it answers: a page that is still loading takes no notice of a click."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await page.locator(".graphiql-execute-button").click()
            with contextlib.suppress(AssertionError):
                await expect(page.locator(".result-window")).to_contain_text(text, timeout=3_000)
                return


async def test_a_foreign_provider_signs_people_in(page: Page, base: str) -> None:
    await page.goto(f"{base}/?client=web")
    await expect(page.locator(".graphiql-tabs")).to_contain_text("Price")
    await answered(page, "UNAUTHORIZED_FIELD_OR_TYPE")
    await sign_in(page, "asha")
    await expect(page.locator(".bar-who")).to_contain_text("asha")
    await expect(page).to_have_url(f"{base}/?client=web")  # and the code is gone from it
    await expect(page.locator(".graphiql-tabs")).to_contain_text("Price")
    await answered(page, '"price": 7')
    await page.get_by_text("Sign out", exact=True).click()
    await expect(page.get_by_text("Sign in", exact=True)).to_be_visible()


async def test_a_refused_or_forged_answer_is_said(page: Page, base: str) -> None:
    await page.goto(f"{base}/?error=access_denied&error_description=You+said+no")
    await expect(page.locator(".notice")).to_contain_text("Signing in failed: You said no")
    await page.goto(f"{base}/?code=stolen&state=another")
    await expect(page.locator(".notice")).to_contain_text("belongs to another sign-in")
    await expect(page.get_by_text("Sign in", exact=True)).to_be_visible()


async def test_a_provider_that_is_away_is_said(page: Page, base: str, issuer: Issuer) -> None:
    await page.goto(f"{base}/?client=web")
    issuer.process.kill()
    await issuer.process.wait()
    await page.get_by_text("Sign in", exact=True).click()
    await expect(page.locator(".notice")).to_contain_text("Signing in failed")
