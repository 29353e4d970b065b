"""The catalogues: what can be ordered, what can be prescribed. Codes, no patient."""

from __future__ import annotations

from decimal import Decimal

import strawberry
from strawberry import ID

from drassist import codes
from drassist.graph import fields as graph
from drassist.graph.entity import Entity, entity, reference
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.values import OrderCategory, ReferenceRange

__all__ = ["LabTest", "Medicine"]


@entity("A test, panel or imaging study that can be ordered.", keys=["code"])
class LabTest(Entity):
    test: strawberry.Private[codes.LabTest]

    @graph.resolver("LOINC code.")
    def code(self) -> ID:
        return ID(self.test.code)

    @graph.resolver("Short name.")
    def name(self) -> str:
        return self.test.name

    @graph.resolver("Other names under which it is found.", list_size=3)
    def aliases(self) -> list[str]:
        return list(self.test.aliases)

    @graph.resolver("Laboratory or imaging.")
    def category(self) -> OrderCategory:
        return OrderCategory(self.test.category)

    @graph.resolver("Whether it is a panel of other tests.")
    def panel(self) -> bool:
        return self.test.kind == "panel"

    @graph.resolver("The tests of a panel.", list_size=10)
    def members(self) -> list[LabTest]:
        return [LabTest(test=codes.lab_tests()[code]) for code in self.test.members]

    @graph.resolver("UCUM unit of its value, when it is a number.")
    def unit(self) -> str | None:
        return self.test.ucum

    @graph.resolver("Specimen or tube; for imaging the DICOM modality.")
    def specimen(self) -> str | None:
        return self.test.specimen

    @graph.resolver("Usual adult range; a laboratory's own range on its report wins.")
    def reference_range(self) -> ReferenceRange | None:
        usual = self.test.range_for(None)
        if usual.low is None and usual.high is None and self.test.usual is None:
            return None
        return ReferenceRange(low=usual.low, high=usual.high, text=self.test.usual)

    @graph.resolver("Below this somebody must act.")
    def critical_low(self) -> Decimal | None:
        return self.test.critical.low

    @graph.resolver("Above this somebody must act.")
    def critical_high(self) -> Decimal | None:
        return self.test.critical.high

    @graph.resolver(
        "Whether the code was checked in the licensed table; else it goes out as one of our own."
    )
    def verified(self) -> bool:
        return self.test.verified

    @classmethod
    @reference("code")
    async def by_code(cls, info: Info, code: ID) -> LabTest | None:
        found = codes.lab_tests().get(str(code))
        return cls(test=found) if found else None


@entity("A product that can be prescribed: generic, strength and form.")
class Medicine(Entity):
    product: strawberry.Private[codes.Medicine]

    @graph.resolver("Id in the catalogue.")
    def id(self) -> ID:
        return ID(self.product.id)

    @graph.resolver("Generic, strength and form, as printed on a prescription.")
    def name(self) -> str:
        return self.product.name

    @graph.resolver("Generic name.")
    def generic(self) -> str:
        return self.product.generic

    @graph.resolver("Brands of it, as examples.", list_size=3)
    def brands(self) -> list[str]:
        return list(self.product.brands)

    @graph.resolver("Strength, with its unit.")
    def strength(self) -> str | None:
        return self.product.strength

    @graph.resolver("Dosage form.")
    def form(self) -> str:
        return self.product.form

    @graph.resolver("Route, in words.")
    def route(self) -> str:
        return self.product.route

    @graph.resolver("Unit in which a dose is counted.")
    def dose_unit(self) -> str:
        return self.product.dose_unit

    @graph.resolver("How adults usually take it, in shorthand; a reminder and no advice.")
    def usual_sig(self) -> str:
        return self.product.usual_sig

    @graph.resolver("Schedule and telemedicine flags, such as H1, N, HAM, O, A, B.", list_size=2)
    def flags(self) -> list[str]:
        return list(self.product.flags)

    @classmethod
    @reference("id")
    async def by_id(cls, info: Info, id: ID) -> Medicine | None:
        found = codes.medicines().get(str(id))
        return cls(product=found) if found else None
