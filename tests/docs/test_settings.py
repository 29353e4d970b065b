"""The page of settings names every setting with its default, and no setting that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr

from drassist.runtime.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def _sections(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _sections(type(field.default), f"{path}.{name}".lstrip("."))


def _written() -> dict[str, dict[str, str]]:
    """Section -> key -> default, as the page has them."""
    tables: dict[str, dict[str, str]] = {}
    for part in PAGE.read_text("utf-8").split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", body, re.MULTILINE))
        for section in re.findall(r"\[([\w.]+)\]", title) or [""]:
            tables[section] = rows
    return tables


def _default(value: object) -> str:
    match value:
        case None:
            return "none"
        case SecretStr():
            return f"`{value.get_secret_value()}`"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return f"`{list(value)}`"
        case _:
            return f"`{value}`"


def test_every_setting_is_on_the_page_with_its_default_and_nothing_else_is() -> None:
    expected: dict[str, dict[str, str]] = {}
    for path, model in _sections(Settings):
        own = {
            name: _default(field.default)
            for name, field in model.model_fields.items()
            if not isinstance(field.default, BaseModel)
        }
        if own:
            expected[path] = own
    assert _written() == expected
