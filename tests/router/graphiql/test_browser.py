"""The page as people meet it: headless Chromium against the whole system in a process of its own.

``DRASSIST_TEST_SCREENSHOTS=docs/images`` keeps the pictures that the documentation shows.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from drassist.demo import documents
from drassist.demo.device import Device
from drassist.demo.links import Link
from drassist.demo.people import sign_in
from router.graphiql.app import BUILD
from tests.e2e.system import PASSWORD, embedded, serving
from tests.patience import PATIENCE
from tests.router.graphiql.conftest import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    # The system and the browser are foreign processes; what they leave open is not ours to judge.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PICTURES = os.environ.get("DRASSIST_TEST_SCREENSHOTS")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The system's address; the page must be built."""
    if not BUILD.joinpath("index.html").is_file():
        missing("the GraphiQL page (make graphiql)")
    folder = tmp_path_factory.mktemp("system")
    with serving(folder, embedded(folder)) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser, base: str) -> AsyncIterator[Page]:
    """A fresh tab; at its end no request went to another host and no script failed."""
    context = await chromium.new_context(viewport={"width": 1400, "height": 850})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    strangers: list[str] = []
    failures: list[str] = []

    def asked(url: str) -> None:
        if not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:")):
            strangers.append(url)

    context.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("pageerror", lambda error: failures.append(error.message))
    yield page
    await context.close()
    assert strangers == []
    # The editor calls off what it was working at when the client is switched, and says so.
    assert [each for each in failures if each != "Canceled"] == []


async def test_a_doctor_signs_in_and_finds_a_patient(page: Page, base: str) -> None:
    await page.goto(f"{base}/?client=web")
    await page.get_by_text("Sign in", exact=True).click()
    await page.wait_for_selector("input[type=password]")
    await _picture(page, "sign-in")
    await _identify(page, "doctor")
    assert "Dr Asha Rao" in await page.inner_text(".bar-who")
    await _execute(page)  # the page opens with a query that works
    await _answers(page, "Priya Sharma")
    await _picture(page, "graphiql-query")


async def test_saved_operations_are_picked_and_get_their_variables(page: Page, base: str) -> None:
    await _open(page, base, "web", "doctor")
    await page.select_option('select[aria-label="Saved operation"]', label="FindPatient")
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("FindPatient")
    await _write(page, ".graphiql-editor-tool", '{"text": "Priya"}')
    await _execute(page)
    await _answers(page, "Priya Sharma")


async def test_a_link_opens_a_saved_operation_with_its_variables(page: Page, base: str) -> None:
    async with aiohttp.ClientSession() as http:
        doctor = Device(
            http, base, "web", await sign_in(http, f"{base}/identity", "doctor", PASSWORD)
        )
        found = await doctor.ask(documents.FIND, text="Priya")
    patient = found["searchPatients"]["edges"][0]["node"]["patient"]
    await page.goto(Link("patient", "web", "Patient", {"id": patient["id"]}).url(base))
    await page.get_by_text("Sign in", exact=True).click()  # the link is still there behind it
    await _identify(page, "doctor")
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("query Patient")
    await expect(page.locator(".graphiql-editor-tool")).to_contain_text(patient["id"])
    await _execute(page)
    await _answers(page, patient["mrn"])


async def test_what_a_saved_operation_needs_is_filled_in(page: Page, base: str) -> None:
    await _open(page, base, "web", "doctor")
    await page.select_option('select[aria-label="Saved operation"]', label="FindPatient")
    await expect(page.locator(".graphiql-editor-tool")).to_contain_text('"text": ""')
    kinds = await page.locator('select[aria-label="Saved operation"] optgroup').all()
    labels = [await kind.get_attribute("label") for kind in kinds]
    assert labels == ["Queries", "Subscriptions"]


async def test_the_explorer_builds_a_query(page: Page, base: str) -> None:
    await _open(page, base, "web", "doctor")
    editor = page.locator(".graphiql-query-editor")
    await expect(editor).to_contain_text("searchPatients")
    await page.get_by_role("button", name="Show GraphiQL Explorer").click()
    explorer = page.locator(".graphiql-explorer-root")
    await explorer.get_by_text("birthDate", exact=True).first.click()
    await expect(editor).to_contain_text("birthDate")
    await _execute(page)
    await _answers(page, '"birthDate"')
    await _picture(page, "graphiql-explorer")


async def test_the_bar_fits_a_narrow_window(page: Page, base: str) -> None:
    await page.set_viewport_size({"width": 480, "height": 800})
    await _open(page, base, "web", "doctor")
    wide = "[document.documentElement.scrollWidth, innerWidth]"
    assert len(set(await page.evaluate(wide))) == 1
    for label in ("Client", "Saved operation"):
        await expect(page.get_by_label(label, exact=True)).to_be_in_viewport()
    await expect(page.get_by_text("Sign out", exact=True)).to_be_in_viewport()


async def test_a_subscription_shows_who_arrives_while_they_arrive(page: Page, base: str) -> None:
    await _open(page, base, "tablet", "doctor")
    await page.select_option('select[aria-label="Saved operation"]', label="QueueChanged")
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("QueueChanged")
    await _execute(page)
    await _answers(page, "CURRENT")
    headline = await _somebody_arrives(base)
    await _answers(page, headline)
    await _answers(page, '"issued"')
    await _picture(page, "graphiql-subscription")


async def test_an_error_is_shown_with_its_code(page: Page, base: str) -> None:
    await page.goto(f"{base}/?client=web")  # nobody is signed in
    await _execute(page)
    await _answers(page, "UNAUTHORIZED_FIELD_OR_TYPE")
    await _picture(page, "graphiql-error")


async def test_another_client_has_another_schema(page: Page, base: str) -> None:
    await _open(page, base, "web", "doctor")
    staff_only = "query StaffOnly { workspace { user { name } } }"
    await _write(page, ".graphiql-query-editor", staff_only, named="StaffOnly")
    await _execute(page)
    await _answers(page, "Dr Asha Rao")
    await page.select_option('select[aria-label="Client"]', label="Tablet")
    await expect(page).to_have_url(f"{base}/?client=tablet")
    await _write(page, ".graphiql-query-editor", staff_only, named="StaffOnly")
    await _execute(page)
    await _answers(page, "Cannot query field 'workspace' on type 'Query'.")
    await _picture(page, "graphiql-other-client")


async def test_a_client_of_saved_operations_shows_them_and_no_schema(page: Page, base: str) -> None:
    introspections: list[str] = []
    page.on(
        "request",
        lambda request: (
            introspections.append(request.url)
            if "mobile" in request.url and "IntrospectionQuery" in (request.post_data or "")
            else None
        ),
    )
    await _open(page, base, "mobile", "patient")
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("query Home")
    await _execute(page)
    await _answers(page, "Priya Sharma")
    await _picture(page, "graphiql-mobile")
    unsaved = 'query Unsaved { searchPatients(text: "a") { __typename } }'
    await _write(page, ".graphiql-query-editor", unsaved, named="Unsaved")
    await _execute(page)
    await _answers(page, "QUERY_NOT_IN_SAFELIST")
    assert introspections == []


async def _open(page: Page, base: str, client: str, user: str) -> None:
    await page.goto(f"{base}/?client={client}")
    await page.get_by_text("Sign in", exact=True).click()
    await page.wait_for_selector("input[type=password]")
    await _identify(page, user)
    await expect(page).to_have_url(f"{base}/?client={client}")


async def _identify(page: Page, user: str) -> None:
    await page.check(f'input[type=radio][value="{user}"]')
    await page.fill("input[type=password]", PASSWORD)
    await page.click("button")
    await page.wait_for_selector(".bar-who")


async def _write(page: Page, editor: str, text: str, *, named: str = "") -> None:
    """Replace the text; GraphiQL has read it when its tab is ``named`` as the operation is."""
    await page.locator(f"{editor} .monaco-editor .view-lines").first.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Delete")  # over a selection the editor would add a bracket
    await page.keyboard.insert_text(text)
    await page.keyboard.press("Escape")  # no completion list over the buttons
    if named:
        await expect(page.locator(".graphiql-tabs")).to_contain_text(named)


async def _execute(page: Page) -> None:
    """Press the button once the page has read the operation: its tab has a name then."""
    with contextlib.suppress(PlaywrightTimeoutError):  # something that polls must not hold this up
        await page.wait_for_load_state("networkidle", timeout=5_000)
    await expect(page.locator(".graphiql-tabs")).not_to_contain_text("<untitled>")
    await page.locator(".graphiql-execute-button").click()


async def _answers(page: Page, text: str) -> None:
    """Wait until the answer shows ``text``; the editor draws spaces that do not break."""
    await page.wait_for_function(
        "text => (document.querySelector('.result-window .view-lines')?.innerText ?? '')"
        ".replaceAll('\\u00a0', ' ').includes(text)",
        arg=text,
    )


async def _somebody_arrives(base: str) -> str:
    """The front desk checks Priya in, through the API; gives the patient's hospital number."""
    async with aiohttp.ClientSession() as http:
        tokens = {
            name: await sign_in(http, f"{base}/identity", name, PASSWORD)
            for name in ("doctor", "frontdesk")
        }
        doctor = Device(http, base, "web", tokens["doctor"])
        desk = Device(http, base, "web", tokens["frontdesk"])
        practitioner = (await doctor.ask(documents.DOCTOR))["workspace"]["practitioner"]
        found = await desk.ask(documents.FIND, text="Priya Sharma")
        patient = found["searchPatients"]["edges"][0]["node"]["patient"]
        await desk.change(
            documents.WALK_IN,
            input={"patientId": patient["id"], "practitionerId": practitioner["id"]},
        )
    return str(patient["name"])


async def _picture(page: Page, name: str) -> None:
    """Keep a picture when asked to."""
    if PICTURES:
        await page.wait_for_timeout(1_500)  # fonts, and the last lines of the answer
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")
