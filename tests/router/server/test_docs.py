"""The pages name every setting and every error code."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from router import settings
from router.contracts import contract

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "router"
NO_CODES = {
    "DEFAULT_CLIENT",
    "TOKEN_HEADER",
    "SETTINGS_INVALID",
    "INVALID_FEDERATION_SUPERGRAPH",
}
"""Upper-case texts that are no codes of a request: names, and what stops a start."""


def groups(module: object) -> list[type]:
    return [
        found
        for name in getattr(module, "__all__", ())
        if dataclasses.is_dataclass(found := getattr(module, name)) and isinstance(found, type)
    ]


@pytest.mark.parametrize("group", groups(settings))
def test_every_setting_is_on_its_page_with_its_group(group: type) -> None:
    text = (PAGES / "settings.md").read_text("utf-8")
    for field in dataclasses.fields(group):
        if not dataclasses.is_dataclass(field.default):
            assert f"| `{field.name}` |" in text, field.name


@pytest.mark.parametrize("group", groups(contract))
def test_every_part_of_a_contract_is_described(group: type) -> None:
    text = (PAGES / "contracts.md").read_text("utf-8")
    for field in dataclasses.fields(group):
        assert field.name in text, field.name


def test_every_error_code_is_described() -> None:
    codes: set[str] = set()
    for folder in ("router/server", "router/contracts"):
        for file in (ROOT / folder).glob("*.py"):
            found = re.findall(
                r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+|UNAUTHENTICATED)"', file.read_text()
            )
            codes.update(found)
    page = (PAGES / "errors.md").read_text("utf-8")
    missing = {code for code in codes - NO_CODES if f"`{code}`" not in page}
    assert not missing
