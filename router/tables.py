"""Tables of TOML, or any mappings, read into frozen Structs: settings and contracts.

An unknown key, a wrong type or an impossible value is refused with the file, the line and what would
be right. A class says in ``__post_init__``, by a ValueError, what its values may not be together.
"""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from router.errors import SettingsInvalid
from router.files import read_text

__all__ = ["load", "read"]

T = TypeVar("T")


def load(path: str | Path, into: type[T]) -> T:
    """Read the TOML file ``path`` into the settings class ``into``.

    Raises :class:`~router.errors.SettingsInvalid` naming file, line and mend.
    """
    path = Path(path)
    text = read_text(path, "give the path of a TOML file")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"{path}: this is not TOML: {error}.") from error
    return read(values, into, where=str(path), text=text, base=path.parent)


def read(
    values: Mapping[str, Any],
    into: type[T],
    *,
    where: str = "settings",
    text: str = "",
    base: Path | None = None,
) -> T:
    """Turn a mapping into the settings class ``into``; relative paths are taken from ``base``."""
    return typing.cast("T", _Reader(where, text, base).group(values, into, ()))


class _Reader:
    """Reads nested groups and remembers where it is, for the error messages."""

    def __init__(self, where: str, text: str, base: Path | None) -> None:
        self.where = where
        self.lines = text.splitlines()
        self.base = base

    def group(self, values: object, into: type[Any], path: tuple[str, ...]) -> Any:
        if not isinstance(values, Mapping):
            raise self.invalid(path, f"must be a table, not {_kind(values)}")
        hints = typing.get_type_hints(into)
        names = [item.name for item in fields(into)]
        read: dict[str, Any] = {}
        for key, value in values.items():
            name = str(key).replace("-", "_")
            if name not in names:
                near = get_close_matches(name, names, 1)
                mend = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
                raise self.invalid((*path, str(key)), f"is not a setting; {mend}")
            read[name] = self.value(value, hints[name], (*path, str(key)))
        for item in fields(into):
            if item.required and item.name not in read:
                raise self.invalid(path, f"lacks {item.name!r}, which has no default")
        try:
            return into(**read)
        except ValueError as error:
            raise self.invalid(path, str(error)) from error

    def value(self, value: object, hint: Any, path: tuple[str, ...]) -> Any:
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            return self.union(value, typing.get_args(hint), path)
        if origin is Literal:
            if value not in typing.get_args(hint):
                choices = ", ".join(map(repr, typing.get_args(hint)))
                raise self.invalid(path, f"must be one of {choices}, not {value!r}")
            return value
        if origin is tuple:
            if not isinstance(value, list | tuple):
                raise self.invalid(path, f"must be a list, not {_kind(value)}")
            item = typing.get_args(hint)[0]
            return tuple(self.value(one, item, path) for one in value)
        if origin is not None and issubclass(origin, Mapping):
            if not isinstance(value, Mapping):
                raise self.invalid(path, f"must be a table, not {_kind(value)}")
            inner = typing.get_args(hint)[1]
            return {str(k): self.value(v, inner, (*path, str(k))) for k, v in value.items()}
        if isinstance(hint, type) and issubclass(hint, Struct):
            if isinstance(value, typing.cast("type[Any]", hint)):
                return value
            return self.group(value, typing.cast("type[Any]", hint), path)
        return self.scalar(value, hint, path)

    def union(self, value: object, options: tuple[Any, ...], path: tuple[str, ...]) -> Any:
        if value is None and types.NoneType in options:
            return None
        plain = [option for option in options if option is not types.NoneType]
        for option in plain:  # an exact type wins: True is no Path
            if isinstance(option, type) and type(value) is option:
                return self.value(value, option, path)
        return self.value(value, plain[-1], path)

    def scalar(self, value: object, hint: Any, path: tuple[str, ...]) -> Any:
        if hint is Any:
            return value
        if hint is Path and isinstance(value, str | Path):
            found = Path(value).expanduser()
            return self.base / found if self.base and not found.is_absolute() else found
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
            raise self.invalid(path, f"must be {_name(hint)}, not {_kind(value)}")
        if isinstance(value, int | float) and not value >= 0:
            # no setting counts or measures less than nothing
            raise self.invalid(path, f"must be 0 or more, not {value:g}")
        return value

    def invalid(self, path: tuple[str, ...], message: str) -> SettingsInvalid:
        line = self.line_of(path)
        place = f"{self.where}:{line}" if line else self.where
        end = "" if message.endswith("?") else "."
        return SettingsInvalid(f"{place}: {'.'.join(path) or 'the file'} {message}{end}")

    def line_of(self, path: tuple[str, ...]) -> int | None:
        """The first line that sets the last key of ``path``, below its table's header if any."""
        if not path:
            return None
        start = 0
        for table in range(len(path) - 1, 0, -1):
            header = ".".join(path[:table])
            for number, text in enumerate(self.lines):
                if text.strip().strip("[]").replace(" ", "") == header and text.strip()[:1] == "[":
                    start = number
                    break
        for number, text in enumerate(self.lines[start:], start + 1):
            stripped = text.strip()
            if stripped.split("=")[0].strip().strip("\"'") == path[-1]:
                return number
            if stripped.strip("[]").replace(" ", "") == ".".join(path):
                return number
        return None


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return repr(value)


def _name(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return names.get(hint, str(getattr(hint, "__name__", hint)))
