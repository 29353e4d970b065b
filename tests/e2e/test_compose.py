"""``compose.yaml`` and ``Containerfile`` say what the program understands; no Docker is needed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from typer.main import get_command

from drassist.app.subgraphs import SUBGRAPHS
from drassist.cli.commands import app
from drassist.runtime.settings import Settings
from tests.e2e.system import ROOT
from tests.e2e.topology import port_of, services

OURS = {name: s for name, s in services().items() if s["image"].startswith("drassist")}
SERVERS = {name: s for name, s in OURS.items() if "--port" in s["command"]}


def settings_of(service: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value))
    return Settings.load()


@pytest.fixture(autouse=True)
def alone(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_there_is_one_service_for_each_subgraph_and_two_gateways() -> None:
    commands = [service["command"][1:3] for service in OURS.values()]
    assert {name for command, name in commands if command == "subgraph"} == set(SUBGRAPHS)
    assert [command for command, _ in commands].count("gateway") == 2


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_program(name: str) -> None:
    program, command, *arguments = OURS[name]["command"]
    assert program == "drassist"
    known = get_command(app).commands[command]  # type: ignore[attr-defined]
    known.make_context(command, list(arguments))  # raises where an option or argument is unknown
    check = OURS[name].get("healthcheck", {}).get("test")
    if check:
        get_command(app).commands["ready"].make_context("ready", check[3:])  # type: ignore[attr-defined]
        assert check[3] == port_of(OURS[name])


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(OURS[name], monkeypatch)
    assert settings.identity.issuer == "http://127.0.0.1:4100/identity"


@pytest.mark.parametrize("name", [n for n in SERVERS if n.startswith("gateway")])
def test_a_gateway_asks_every_subgraph_where_it_listens(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(OURS[name]["environment"]["DRASSIST_GATEWAY__SUBGRAPHS"])
    assert found == {each: f"http://{each}:{port_of(SERVERS[each])}/graphql" for each in SUBGRAPHS}
    assert settings_of(OURS[name], monkeypatch).gateway.subgraphs == found


def test_no_two_processes_listen_on_one_port_and_all_listen_beyond_their_container() -> None:
    ports = [port_of(service) for service in SERVERS.values()]
    assert len(ports) == len(set(ports))
    assert all("0.0.0.0" in service["command"] for service in SERVERS.values())


def test_what_is_published_is_for_this_machine_only() -> None:
    published = [port for service in services().values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_image_is_made_of_files_that_exist_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources), line
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["drassist"]
