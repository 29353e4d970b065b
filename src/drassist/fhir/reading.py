"""Elements of FHIR JSON -> the values of :mod:`.records`, remembering what nobody read.

A :class:`Node` is one JSON object that is crossed off while it is read; what is left over can be
asked for afterwards. Each reader takes the element's value and a :class:`Reading` (which knows
how references resolve), and raises :class:`Unmappable` with the element's path, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drassist.fhir import records as r

__all__ = ["UCUM_ALIASES", "Node", "Reading", "Unmappable"]


class Unmappable(ValueError):
    """An element that is not what R4 says; ``reason`` names its path and fault."""

    def __init__(self, path: str, fault: str) -> None:
        self.reason = f"{path}: {fault}"
        super().__init__(self.reason)


class Node:
    """One JSON object with its path, crossed off as it is read."""

    __slots__ = ("_children", "_data", "_taken", "path")

    def __init__(self, data: Mapping[str, Any], path: str) -> None:
        self.path = path
        self._data = data
        self._taken: set[str] = set()
        self._children: dict[str, Node | list[Any]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def take(self, key: str) -> Any:
        """Return the value of ``key``: a primitive, a Node, a list of either, or None."""
        value = self._data.get(key)
        if value is None:
            return None
        self._taken.add(key)
        if key not in self._children:
            child = self._wrap(value, f"{self.path}.{key}")
            if isinstance(child, Node | list):
                self._children[key] = child
            return child
        return self._children[key]

    def text(self, key: str) -> str | None:
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        raise Unmappable(f"{self.path}.{key}", "not a string")

    def boolean(self, key: str) -> bool | None:
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return value
        raise Unmappable(f"{self.path}.{key}", "not a boolean")

    def whole(self, key: str) -> int | None:
        value = self.take(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise Unmappable(f"{self.path}.{key}", "not a whole number")

    def decimal(self, key: str) -> Decimal | None:
        value = self.take(key)
        if value is None or isinstance(value, Decimal):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        raise Unmappable(f"{self.path}.{key}", "not a decimal")

    def node(self, key: str) -> Node | None:
        value = self.take(key)
        if value is None or isinstance(value, Node):
            return value
        raise Unmappable(f"{self.path}.{key}", "not an object")

    def nodes(self, key: str) -> list[Node]:
        return [item for item in self._list(key) if _is(item, Node, f"{self.path}.{key}")]

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(item for item in self._list(key) if _is(item, str, f"{self.path}.{key}"))

    def remainder(self) -> dict[str, Any]:
        """Return what nobody read, in the shape that it had."""
        left: dict[str, Any] = {}
        for key, value in self._data.items():
            if key not in self._taken:
                left[key] = value
                continue
            child = self._children.get(key)
            if isinstance(child, Node):
                if inner := child.remainder():
                    left[key] = inner
            elif isinstance(child, list):
                inners = [c.remainder() if isinstance(c, Node) else {} for c in child]
                if any(inners):
                    left[key] = inners
        return left

    def _wrap(self, value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return Node(value, path)
        if isinstance(value, list):
            return [self._wrap(item, path) for item in value]
        return value

    def _list(self, key: str) -> list[Any]:
        value = self.take(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise Unmappable(f"{self.path}.{key}", "not a list")


def _is(value: object, kind: type[Any], path: str) -> bool:
    if not isinstance(value, kind):
        raise Unmappable(path, "a list of something else")
    return True


@dataclass(frozen=True, slots=True)
class Reading:
    """How one source resolves its references, and the contained resources at hand."""

    resolve: Callable[[str], r.Reference | None]
    contained: Mapping[str, Mapping[str, Any]]


# Primitives with a meaning.

_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})(?P<time>T\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
    r"(Z|[+-]\d{2}:\d{2}))?)?)?\Z"
)


def moment(value: Any, reading: Reading, path: str) -> r.Moment:
    """Read a date, dateTime or instant of any precision (R4 section 2.24.0.1)."""
    text = _string(value, path)
    found = _DATE_TIME.match(text)
    if found is None:
        raise Unmappable(path, "not a FHIR date or dateTime")
    precision = next(p for p in ("time", "day", "month", "year") if found[p])
    full = {"time": text, "day": text, "month": f"{text}-01", "year": f"{text}-01-01"}[precision]
    try:
        at = datetime.fromisoformat(full)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unmappable(path, "no such day or time") from None
    return r.Moment(text=text, at=at, precision=precision)


def string(value: Any, reading: Reading, path: str) -> str:
    return _string(value, path)


def boolean(value: Any, reading: Reading, path: str) -> bool:
    if not isinstance(value, bool):
        raise Unmappable(path, "not a boolean")
    return value


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise Unmappable(path, "not a string")
    return value


# Datatypes.


def coding(node: Node) -> r.Coding:
    return r.Coding(node.text("system"), node.text("code"), node.text("display"))


def concept(value: Any, reading: Reading, path: str) -> r.Concept:
    node = _node(value, path)
    return r.Concept(node.text("text"), tuple(coding(c) for c in node.nodes("coding")))


def first_code(value: Any, reading: Reading, path: str) -> str | None:
    """Read a CodeableConcept of which only the code counts, such as a clinical status."""
    codes = [c.code for c in concept(value, reading, path).codings if c.code]
    return codes[0] if codes else None


def coding_code(value: Any, reading: Reading, path: str) -> str | None:
    """Read a bare Coding of which only the code counts, such as an encounter's class."""
    return coding(_node(value, path)).code


def identifier(value: Any, reading: Reading, path: str) -> r.Identifier | None:
    node = _node(value, path)
    held = node.text("value")
    if held is None:
        return None
    typed = node.node("type")
    kind = first_code(typed, reading, f"{path}.type") if typed else None
    return r.Identifier(node.text("system"), held, kind, node.text("use"))


def human_name(value: Any, reading: Reading, path: str) -> r.HumanName:
    node = _node(value, path)
    return r.HumanName(
        text=node.text("text"),
        family=node.text("family"),
        given=node.texts("given"),
        prefix=node.texts("prefix"),
        suffix=node.texts("suffix"),
        use=node.text("use"),
    )


def telecom(value: Any, reading: Reading, path: str) -> r.Telecom | None:
    node = _node(value, path)
    held = node.text("value")
    return r.Telecom(node.text("system"), held, node.text("use")) if held else None


def address(value: Any, reading: Reading, path: str) -> r.Address:
    node = _node(value, path)
    return r.Address(
        text=node.text("text"),
        lines=node.texts("line"),
        city=node.text("city"),
        district=node.text("district"),
        state=node.text("state"),
        postal_code=node.text("postalCode"),
        country=node.text("country"),
        use=node.text("use"),
    )


def span(value: Any, reading: Reading, path: str) -> r.Span:
    node = _node(value, path)
    start, end = node.text("start"), node.text("end")
    return r.Span(
        moment(start, reading, f"{path}.start") if start else None,
        moment(end, reading, f"{path}.end") if end else None,
    )


def reference(value: Any, reading: Reading, path: str) -> r.Reference:
    node = _node(value, path)
    display = node.text("display")
    link = node.text("reference")
    found = reading.resolve(link) if link else None
    if found is None:
        return r.Reference(node.text("type"), None, display)
    return r.Reference(found.kind, found.id, display)


UCUM_ALIASES: Mapping[str, str] = {
    # what laboratories write -> UCUM; "F" is left alone, UCUM reads it as farad
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "breaths/min": "/min",
    "IU/L": "[IU]/L",
    "mIU/L": "m[IU]/L",
    "uIU/mL": "u[IU]/mL",
    "µIU/mL": "u[IU]/mL",
    "mEq/L": "meq/L",
    "gm/dl": "g/dL",
    "gm/dL": "g/dL",
    "g/dl": "g/dL",
    "mg/dl": "mg/dL",
    "µmol/L": "umol/L",
    "μmol/L": "umol/L",
    "cells/cumm": "/uL",
    "/cumm": "/uL",
    "mill/mm3": "10*6/uL",
    "degF": "[degF]",
    "°F": "[degF]",
    "degC": "Cel",
    "°C": "Cel",
    "kg/m²": "kg/m2",
    "grams": "g",
    "day(s)": "d",
}

_UCUM = "http://unitsofmeasure.org"


def amount(value: Any, reading: Reading, path: str) -> r.Amount | None:
    """Read a Quantity; without a value there is nothing to tell, whatever its unit."""
    node = _node(value, path)
    number = node.decimal("value")
    if number is None:
        return None
    unit, system, code = node.text("unit"), node.text("system"), node.text("code")
    written = code if system in (_UCUM, None) and code else unit
    known = written if code and system == _UCUM else None
    if written:
        known = UCUM_ALIASES.get(written, known)
    return r.Amount(number, unit or code, known, node.text("comparator"))


def reference_range(value: Any, reading: Reading, path: str) -> r.ReferenceRange:
    node = _node(value, path)
    low, high = node.node("low"), node.node("high")
    return r.ReferenceRange(
        amount(low, reading, f"{path}.low") if low else None,
        amount(high, reading, f"{path}.high") if high else None,
        node.text("text"),
    )


def note(value: Any, reading: Reading, path: str) -> str:
    return _node(value, path).text("text") or ""


def reaction(value: Any, reading: Reading, path: str) -> r.Reaction:
    node = _node(value, path)
    shown = tuple(concept(m, reading, f"{path}.manifestation") for m in node.nodes("manifestation"))
    return r.Reaction(shown, node.text("severity"), node.text("description"))


def qualification(value: Any, reading: Reading, path: str) -> r.Concept:
    code = _node(value, path).node("code")
    return concept(code, reading, f"{path}.code") if code else r.Concept(None)


def participant(value: Any, reading: Reading, path: str) -> r.Reference | None:
    individual = _node(value, path).node("individual")
    return reference(individual, reading, f"{path}.individual") if individual else None


def dosage(value: Any, reading: Reading, path: str) -> r.Dosage:
    node = _node(value, path)
    timing = node.node("timing")
    repeat = timing.node("repeat") if timing else None
    doses = node.nodes("doseAndRate")
    dose = doses[0].node("doseQuantity") if doses else None
    route = node.node("route")
    bounds = repeat.node("boundsDuration") if repeat else None
    needed = node.node("asNeededCodeableConcept")
    return r.Dosage(
        sequence=node.whole("sequence"),
        text=node.text("text"),
        dose=amount(dose, reading, f"{path}.doseAndRate.doseQuantity") if dose else None,
        frequency=repeat.whole("frequency") if repeat else None,
        period=repeat.decimal("period") if repeat else None,
        period_unit=repeat.text("periodUnit") if repeat else None,
        when=repeat.texts("when") if repeat else (),
        as_needed=bool(node.boolean("asNeededBoolean")) or needed is not None,
        route=concept(route, reading, f"{path}.route") if route else None,
        bounds=amount(bounds, reading, f"{path}.timing.repeat.boundsDuration") if bounds else None,
    )


def medication_reference(value: Any, reading: Reading, path: str) -> r.Concept:
    """Read the code of a contained Medication, or else the display of the reference."""
    node = _node(value, path)
    link = node.text("reference") or ""
    held = reading.contained.get(link.removeprefix("#"))
    if held is not None and isinstance(held.get("code"), Mapping):
        return concept(Node(held["code"], f"{path}.code"), reading, path)
    return r.Concept(node.text("display") or link or None)


def component(value: Any, reading: Reading, path: str) -> r.Component:
    node = _node(value, path)
    code = node.node("code")
    if code is None:
        raise Unmappable(f"{path}.code", "missing")
    quantity, coded = node.node("valueQuantity"), node.node("valueCodeableConcept")
    absent = node.node("dataAbsentReason")
    whole = node.whole("valueInteger")
    return r.Component(
        code=concept(code, reading, f"{path}.code"),
        quantity=_quantity(quantity, whole, reading, path),
        concept=concept(coded, reading, path) if coded else None,
        text=node.text("valueString"),
        absent_reason=first_code(absent, reading, path) if absent else None,
        interpretations=tuple(
            flag
            for item in node.nodes("interpretation")
            if (flag := first_code(item, reading, path)) is not None
        ),
        ranges=tuple(
            reference_range(item, reading, f"{path}.referenceRange")
            for item in node.nodes("referenceRange")
        ),
    )


def integer_amount(value: Any, reading: Reading, path: str) -> r.Amount:
    """Read valueInteger as a quantity without a unit."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unmappable(path, "not a whole number")
    return r.Amount(Decimal(value), None, None)


def _quantity(node: Node | None, whole: int | None, reading: Reading, path: str) -> r.Amount | None:
    if node is not None:
        return amount(node, reading, f"{path}.valueQuantity")
    return r.Amount(Decimal(whole), None, None) if whole is not None else None


def _node(value: Any, path: str) -> Node:
    if not isinstance(value, Node):
        raise Unmappable(path, "not an object")
    return value
