"""The clinical value types as they look in the graph: the same in every subgraph, so shareable."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from drassist import clinical
from drassist.graph import fields as graph

__all__ = [
    "Address",
    "CodedConcept",
    "CodedConceptInput",
    "Coding",
    "CodingInput",
    "ContactPoint",
    "HumanName",
    "Identifier",
    "Period",
    "Quantity",
    "QuantityInput",
]


@graph.type("A code of one code system.", shareable=True)
class Coding:
    system: str = graph.field("URI of the code system, such as http://loinc.org.")
    code: str = graph.field("The code; it means something only with its system.")
    display: str | None = graph.field("The system's own words for the code.", default=None)


@graph.type("What was said, and the codes for it.", shareable=True)
class CodedConcept:
    text: str | None = graph.field(
        "What the person said; never overwritten by a display.", default=None
    )
    codings: list[Coding] = graph.field(
        "Codes for it; their order has no meaning.", default_factory=list
    )
    label: str = graph.field("What to show: the text, or else a display or code.")

    @classmethod
    def of(cls, concept: clinical.CodedConcept) -> CodedConcept:
        return cls(
            text=concept.text,
            codings=[
                Coding(system=c.system, code=c.code, display=c.display) for c in concept.codings
            ],
            label=concept.label,
        )


@graph.input("A code of one code system.")
class CodingInput:
    system: str = graph.field("URI of the code system.")
    code: str = graph.field("The code.")
    display: str | None = graph.field("The system's own words for the code.", default=None)


@graph.input("What was said, and the codes for it; at least one of the two.")
class CodedConceptInput:
    text: str | None = graph.field("What the person said.", default=None)
    codings: list[CodingInput] = graph.field("Codes for it.", default_factory=list)

    def value(self) -> clinical.CodedConcept:
        """Raises ``clinical.InvalidValue`` when there is neither text nor code."""
        return clinical.CodedConcept(
            self.text, tuple(clinical.Coding(c.system, c.code, c.display) for c in self.codings)
        )


@graph.type("A business identifier, such as a hospital number.", shareable=True)
class Identifier:
    system: str | None = graph.field("URI of whoever gave the number.", default=None)
    value: str = graph.field("The number; unique only in its system.", phi=True)
    type: str | None = graph.field("Kind of number, a v2-0203 code such as MR.", default=None)
    use: str | None = graph.field("usual, official, temp, secondary or old.", default=None)


@graph.type("A person's name.", shareable=True)
class HumanName:
    text: str = graph.field("The whole name, as the person says it.", phi=True)
    family: str | None = graph.field("Family name, where there is one.", phi=True, default=None)
    given: list[str] = graph.field("Given names, in their order.", phi=True, default_factory=list)
    prefix: list[str] = graph.field("Titles before the name.", phi=True, default_factory=list)
    use: str | None = graph.field("usual, official, nickname, maiden …", default=None)

    @classmethod
    def of(cls, name: clinical.HumanName) -> HumanName:
        return cls(
            text=name.text,
            family=name.family,
            given=list(name.given),
            prefix=list(name.prefix),
            use=name.use,
        )


@graph.type("How to reach somebody.", shareable=True)
class ContactPoint:
    system: str = graph.field("phone, email, sms or another FHIR contact system.")
    value: str = graph.field("The number or address; phones as +<country><number>.", phi=True)
    use: str | None = graph.field("home, work, mobile, temp or old.", default=None)


@graph.type("A postal address.", shareable=True)
class Address:
    text: str | None = graph.field("The whole address in one text.", phi=True, default=None)
    lines: list[str] = graph.field("Street and house.", phi=True, default_factory=list)
    city: str | None = graph.field("City, town or village.", phi=True, default=None)
    district: str | None = graph.field("District.", phi=True, default=None)
    state: str | None = graph.field("State.", phi=True, default=None)
    postal_code: str | None = graph.field("PIN code.", phi=True, default=None)
    country: str | None = graph.field("Country.", phi=True, default=None)
    use: str | None = graph.field("home, work, temp or old.", default=None)


@graph.type("A half-open span of time.", shareable=True)
class Period:
    start: datetime | None = graph.field("When it began, if known.", default=None)
    end: datetime | None = graph.field(
        "When it ended; null while it goes on, or when unknown.", default=None
    )


@graph.type("An exact amount with its unit.", shareable=True)
class Quantity:
    value: Decimal = graph.field("The number, with the digits that it was given with.")
    comparator: str | None = graph.field(
        "<, <=, >= or > where only a bound is known.", default=None
    )
    unit: str = graph.field("The unit as people read it.")
    code: str | None = graph.field("The unit in UCUM, case-sensitive.", default=None)
    display: str = graph.field("Number and unit, ready to show.")

    @classmethod
    def of(cls, quantity: clinical.Quantity) -> Quantity:
        return cls(
            value=quantity.value,
            comparator=quantity.comparator,
            unit=quantity.unit or quantity.code,
            code=quantity.code,
            display=quantity.display,
        )


@graph.input("An exact amount with its unit.")
class QuantityInput:
    value: Decimal = graph.field("The number.")
    code: str = graph.field("The unit in UCUM.")
    unit: str | None = graph.field("The unit as people read it.", default=None)

    def value_of(self) -> clinical.Quantity:
        return clinical.Quantity(self.value, self.code, self.unit)
