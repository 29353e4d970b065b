"""The typed packages of every client, and the example apps that use them on a running system."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from drassist.demo import documents
from drassist.demo.device import Device
from drassist.demo.people import sign_in
from router.contracts.contract import load_contracts
from router.contracts.persisted import load_persisted
from scripts.clients import TOOLS, Package, generate
from tests.e2e.system import PASSWORD, ROOT, embedded, serving
from tests.patience import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

EXAMPLE = ROOT / "examples" / "typescript"
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def packages() -> dict[str, Package]:
    """Every client's package, made anew; skips loudly without Node."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
                pytest.fail(f"{program} is required (DRASSIST_REQUIRE_SERVICES) and missing")
            pytest.skip(f"{program} is missing")
    made = generate(ROOT / "clients", ROOT / "schema" / "clients")
    return {package.name: package for package in made}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("system")
    with serving(folder, embedded(folder)) as address:
        yield address


def test_every_client_with_saved_operations_gets_its_packages(
    packages: dict[str, Package],
) -> None:
    assert set(packages) == {path.parent.name for path in ROOT.glob("clients/*/operations")}
    for name, package in packages.items():
        operations = json.loads(package.manifest.read_text())["operations"]
        saved = {path.stem for path in package.operations.glob("*.graphql")}
        assert {operation["name"] for operation in operations} == saved
        for operation in operations:
            assert operation["id"] == hashlib.sha256(operation["body"].encode()).hexdigest()
        typescript = (package.out / "typescript" / "graphql.js").read_text()
        known = set(re.findall(r'"hash": ?"([0-9a-f]+)"', typescript))
        assert known == {operation["id"] for operation in operations}
        assert (package.out / "python" / f"{name}_client" / "client.py").is_file()


def test_hidden_types_are_in_no_package(packages: dict[str, Package]) -> None:
    """The phone's package knows the phone's schema: nothing of the workplace is in it."""
    texts = [path.read_text() for path in packages["mobile"].out.rglob("*.*") if path.is_file()]
    assert not any("searchPatients" in text or "workspace" in text.lower() for text in texts)


def test_the_router_reads_the_manifest(packages: dict[str, Package], tmp_path: Path) -> None:
    """An app's build ships its manifest; the router takes it in place of the operations."""
    manifest = tmp_path / "phone" / "manifest.json"
    manifest.parent.mkdir()
    shutil.copy(packages["mobile"].manifest, manifest)
    contract = '[persisted]\nmode = "required"\nmanifests = ["manifest.json"]\n'
    (manifest.parent / "contract.toml").write_text(contract)
    persisted = load_persisted(load_contracts(tmp_path)[0])
    for operation in json.loads(manifest.read_text())["operations"]:
        found = persisted.find(f"sha256:{operation['id']}")
        assert found is not None
        assert found.name == operation["name"]


async def test_the_typescript_example_runs_on_urql_and_apollo_client(
    packages: dict[str, Package], base: str
) -> None:
    _install_example(packages)
    await asyncio.to_thread(_run, "npm", "run", "--silent", "build")  # the types fit
    async with aiohttp.ClientSession() as http:
        tokens = {
            name: await sign_in(http, f"{base}/identity", name, PASSWORD)
            for name in ("doctor", "patient", "frontdesk")
        }
        process = await asyncio.create_subprocess_exec(
            "node",
            "build/main.js",
            base,
            cwd=EXAMPLE,
            env=os.environ | {"DOCTOR_TOKEN": tokens["doctor"], "PATIENT_TOKEN": tokens["patient"]},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        said: list[str] = []
        async with asyncio.timeout(PATIENCE):
            async for line in process.stdout:
                said.append(line.decode().strip())
                if said[-1].startswith("queue: CURRENT"):
                    await _arrive(http, base, tokens)
            _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert said[0].startswith("found: Priya Sharma, ")
    assert said[-3:] == [
        "phone of: Priya Sharma",
        "queue: CURRENT, 0 waiting",
        "queue: issued, 1 waiting",
    ]


async def test_the_python_example_is_typed_and_runs(
    packages: dict[str, Package], base: str
) -> None:
    python = TOOLS / "python" / "bin" / "python"
    package = packages["web"].out / "python"
    install = [UV, "pip", "install", "--quiet", "--reinstall-package", "clients-web", package]
    await asyncio.to_thread(_run, *install, "--python", python)
    example = ROOT / "examples" / "python" / "main.py"
    checked = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
    ]
    cache = ["--cache-dir", TOOLS / "mypy", "--python-executable", python]
    await asyncio.to_thread(_run, *checked, *cache, example, MYPYPATH=str(package))
    async with aiohttp.ClientSession() as http:
        token = await sign_in(http, f"{base}/identity", "doctor", PASSWORD)
        stranger = await sign_in(http, f"{base}/identity", "patient", PASSWORD)
    said = await asyncio.to_thread(_run, python, example, base, "Priya", TOKEN=token)
    assert said.splitlines()[0] == "signed in: Dr Asha Rao"
    assert said.splitlines()[1].startswith("found: Priya Sharma, ")
    refused = await asyncio.to_thread(_run, python, example, base, "Priya", TOKEN=stranger)
    assert re.search("^error: [A-Z_]+: ", refused, re.MULTILINE), refused
    assert "found: " not in refused


PHONE = """
import asyncio, os, sys
from mobile_client import MobileClient

async def main(base):
    headers = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    async with MobileClient(f"{base}/mobile/graphql", headers=headers) as client:
        print((await client.home()).home.patient.name)

asyncio.run(main(sys.argv[1]))
"""

QUEUE = """
import asyncio, os, sys
from tablet_client import TabletClient

async def main(base):
    url = base.replace("http", "ws", 1) + "/tablet/graphql"
    identity = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    client = TabletClient(ws_url=url, ws_connection_init_payload=identity)
    async for change in client.queue_changed():
        print(change.queue_changed.reason)
        break

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize(
    "client, user, program, said",
    [("mobile", "patient", PHONE, "Priya Sharma"), ("tablet", "doctor", QUEUE, "CURRENT")],
)
async def test_python_clients_obey_the_safelist_and_subscribe(
    packages: dict[str, Package], base: str, client: str, user: str, program: str, said: str
) -> None:
    async with aiohttp.ClientSession() as http:
        token = await sign_in(http, f"{base}/identity", user, PASSWORD)
    python = TOOLS / "python" / "bin" / "python"
    environment = {"TOKEN": token, "PYTHONPATH": str(packages[client].out / "python")}
    heard = await asyncio.to_thread(_run, python, "-c", program, base, **environment)
    assert heard.strip() == said


def _install_example(packages: dict[str, Package]) -> None:
    """``npm install`` in the example, when its packages or ours have changed."""
    digest = hashlib.sha256((EXAMPLE / "package.json").read_bytes())
    for package in packages.values():
        for path in sorted((package.out / "typescript").iterdir()):
            digest.update(path.read_bytes())
    stamp = EXAMPLE / "node_modules" / ".installed"
    if not stamp.is_file() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(EXAMPLE / "node_modules", ignore_errors=True)  # copies of older packages
        _run("npm", "install", "--no-audit", "--no-fund", "--silent")
        stamp.write_text(digest.hexdigest())


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=EXAMPLE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def _arrive(http: aiohttp.ClientSession, base: str, tokens: dict[str, str]) -> None:
    """The front desk checks somebody in."""
    doctor = Device(http, base, "web", tokens["doctor"])
    desk = Device(http, base, "web", tokens["frontdesk"])
    practitioner = (await doctor.ask(documents.DOCTOR))["workspace"]["practitioner"]
    found = await desk.ask(documents.FIND, text="Priya Sharma")
    patient = found["searchPatients"]["edges"][0]["node"]["patient"]
    arrival = {"patientId": patient["id"], "practitionerId": practitioner["id"]}
    await desk.change(documents.WALK_IN, input=arrival)
