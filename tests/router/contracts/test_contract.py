"""Reading contract.toml."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from router.contracts.contract import (
    Contract,
    VersionRules,
    check_apart,
    load_contract,
    load_contracts,
)
from router.errors import SettingsInvalid


def write(folder: Path, text: str, name: str = "tablet") -> Path:
    path = folder / name / "contract.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_contract_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "tablet" / "operations").mkdir(parents=True)
    contract = load_contract(
        write(
            tmp_path,
            """
            title = "Ward tablet"
            tags = { include = ["ward"], exclude = ["internal"] }
            transports = ["http", "websocket"]
            introspection = false
            [persisted]
            mode = "required"
            [persisted.cache_control]
            Wards = "private, max-age=30"
            [limits]
            depth = 8
            rate = "600/minute"
            [[versions]]
            name = "2.*"
            deprecated = 2026-10-01
            sunset = 2026-12-31
            """,
        )
    )
    assert contract.name == "tablet"
    assert contract.url_path == "/tablet/graphql"
    assert contract.tags.exclude == ("internal",)
    assert contract.persisted.folder == tmp_path / "tablet" / "operations"
    assert contract.limits.depth == 8
    assert contract.versions == (
        VersionRules(name="2.*", deprecated=date(2026, 10, 1), sunset=date(2026, 12, 31)),
    )
    assert contract.versions[0].covers("2.14")
    assert not contract.versions[0].covers("3.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", r"contract\.toml:1: titel is not a setting; did you mean 'title'"),
        ("[limits]\n\ndepth = 'x'", r"contract\.toml:3: limits\.depth must be a whole number"),
        ("[limits]\ndepth = -1", r":2: limits\.depth must be 0 or more, not -1"),
        ("transports = []", r"the file has no transports; name one at least"),
        (
            "[[versions]]\nname = '1'\n[[versions]]\nname = '1'",
            "versions without a name of their own",
        ),
        ("path = 'tablet'", r"the file has the path 'tablet'; begin it with a slash"),
        ("[persisted]\nmode = 'always'", r":2: persisted\.mode must be one of 'required'"),
        ("transports = ['pigeon']", r":1: transports must be one of 'http'"),
        ("title = ", "this is not TOML"),
        ("[persisted]\nmanifests = ['gone.json']", "there is no file .*gone.json; generate it"),
    ],
)
def test_a_broken_contract_names_file_line_and_mend(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SettingsInvalid, match=message):
        load_contract(write(tmp_path, text))


def test_two_contracts_with_one_path_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "path = '/x'", "a")
    write(tmp_path, "path = '/x'", "b")
    with pytest.raises(SettingsInvalid, match="The path /x of 'b' is that of 'a' too"):
        load_contracts(tmp_path)


@pytest.mark.parametrize(
    ("contracts", "says"),
    [
        ([Contract()], "'' is no client name; use letters"),
        ([Contract(name="the tablet")], "'the tablet' is no client name"),
        ([Contract(name="a"), Contract(name="a", path="/b")], "Two contracts are named 'a'"),
        ([Contract(name="a"), Contract(name="b", path="/a/graphql")], "/a/graphql of 'b' is that"),
    ],
)
def test_contracts_that_cannot_be_told_apart_are_refused(
    contracts: list[Contract], says: str
) -> None:
    with pytest.raises(SettingsInvalid, match=says):
        check_apart(contracts)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="no client here"):
        load_contracts(tmp_path)
