"""``router contracts``: what a schema change means for every client."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.cli import main
from router.composition.compose import compose
from router.composition.sources import SubgraphSource

NOW = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@tag"])
type Query { ward: Ward  vault: Int @tag(name: "internal") }
type Ward { name: String beds: Int }
"""
NEXT = NOW.replace("beds: Int", 'beds: Int @tag(name: "internal")')


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, sdl in (("now", NOW), ("next", NEXT)):
        composed = compose([SubgraphSource("wards", "http://wards", sdl)])
        (tmp_path / f"{name}.graphql").write_text(composed.supergraph_sdl)
    operations = tmp_path / "clients" / "tablet" / "operations"
    operations.mkdir(parents=True)
    (operations.parent / "contract.toml").write_text('tags = { exclude = ["internal"] }')
    (operations / "Ward.graphql").write_text("query Ward { ward { name beds } }")
    return tmp_path


def check(files: Path, *more: str) -> int:
    clients = str(files / "clients")
    return main(["contracts", "check", str(files / "now.graphql"), "--contracts", clients, *more])


def test_operations_that_hold_are_counted(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(files) == 0
    assert capsys.readouterr().out == "1 operations of 1 clients hold in the current schema.\n"


def test_a_change_that_breaks_a_client_is_named(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(files, "--proposed", str(files / "next.graphql")) == 1
    error = capsys.readouterr().err
    assert "Broken by the proposed schema:" in error
    assert "tablet: operation Ward" in error
    assert "'beds'" in error


@pytest.mark.parametrize(
    ("limits", "operation", "what"),
    [
        ("tokens = 5", "query Wide { ward { name beds } }", "tokens"),
        ("page_size = 10", "query Long { ward { beds(first: 50) } }", "asks for 50 items"),
        ("depth = 1", "query Deep { ward { name } }", "nested 2 times"),
    ],
)
def test_an_operation_above_its_clients_limits_does_not_hold(
    files: Path, capsys: pytest.CaptureFixture[str], limits: str, operation: str, what: str
) -> None:
    tablet = files / "clients" / "tablet"
    for file in (tablet / "operations").iterdir():
        file.unlink()
    (tablet / "operations" / "One.graphql").write_text(operation)
    contract = tablet / "contract.toml"
    contract.write_text(contract.read_text() + f"\n[limits]\n{limits}\n")
    assert check(files) == 1
    assert what in capsys.readouterr().err


def test_a_version_that_has_ended_breaks_nobody(files: Path) -> None:
    (files / "old.json").write_text(json.dumps({"Old": "query Old { gone }"}))
    contract = files / "clients" / "tablet" / "contract.toml"
    rule = '\n[[versions]]\nname = "1.*"\nmanifest = "../../old.json"\nsunset = '
    before = contract.read_text()
    contract.write_text(before + rule + "2999-01-01")
    assert check(files) == 1
    contract.write_text(before + rule + "2020-01-01")
    assert check(files) == 0


def test_the_report_is_json_on_demand(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "clients" / "tablet" / "operations" / "Bad.graphql").write_text("query Bad { vault }")
    assert check(files, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["operations"] == 2
    assert [finding["operation"] for finding in report["broken"]] == ["Bad"]


def test_schemas_are_exported_and_staleness_is_found(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["contracts", "export", str(files / "now.graphql")]
    arguments += ["--contracts", str(files / "clients"), "-o", str(files / "out")]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    sdl = (files / "out" / "tablet.graphql").read_text()
    assert "beds" in sdl
    assert "vault" not in sdl
    assert "tag" not in sdl


def test_a_place_where_nothing_can_be_written_is_told(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(files / "now.graphql"), "--contracts", str(files / "clients")]
    assert main(["contracts", "export", *given, "-o", str(files / "next.graphql")]) == 1
    assert "tablet.graphql: cannot be written (Not a directory)" in capsys.readouterr().err
