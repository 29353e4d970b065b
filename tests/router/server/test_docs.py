"""The pages name every setting and every error code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields

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


def groups(module: object) -> list[type[Struct]]:
    return [
        found
        for name in getattr(module, "__all__", ())
        if isinstance(found := getattr(module, name), type) and issubclass(found, Struct)
    ]


@pytest.mark.parametrize("group", groups(settings))
def test_every_setting_is_on_its_page_with_its_group(group: type[Struct]) -> None:
    text = (PAGES / "settings.md").read_text("utf-8")
    for field in fields(group):
        if not isinstance(field.default, Struct):
            assert f"| `{field.name}` |" in text, field.name


@pytest.mark.parametrize("group", groups(contract))
def test_every_part_of_a_contract_is_described(group: type[Struct]) -> None:
    text = (PAGES / "contracts.md").read_text("utf-8")
    for field in fields(group):
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
