"""What can be done: order, cancel, prescribe, stop, send again."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import ID

from drassist.graph import fields as graph
from drassist.graph.errors import Payload
from drassist.graph.mutations import mutation
from drassist.runtime.identity import command, writes
from subgraphs.orders.ports import DosageInstruction
from subgraphs.orders.schema.access import Info
from subgraphs.orders.schema.medications import MedicationRequest, Prescription
from subgraphs.orders.schema.results import Delivery, ServiceRequest
from subgraphs.orders.schema.values import OrderPriority, OrderWarning
from subgraphs.orders.services.commands import Author
from subgraphs.orders.services.delivering import resend
from subgraphs.orders.services.ordering import (
    OrderRequest,
    PlaceOrders,
    cancel_order,
    place_orders,
)
from subgraphs.orders.services.prescribing import (
    MedicineRequest,
    Prescribe,
    prescribe,
    stop_medicine,
)

__all__ = ["Mutation"]

_KEY = "Key of this command, made by the client: the same key never orders twice."
_VERSION = "The version that was read; refused when it is no longer the present one."


@graph.input("One test or study to order.")
class OrderItemInput:
    code: str = graph.field("LOINC code of a test in the catalogue.")
    priority: OrderPriority = graph.field("How soon.", default=OrderPriority.ROUTINE)
    reason: str | None = graph.field("Why, for who performs it.", default=None)
    note: str | None = graph.field("A remark for who performs it.", default=None)


@graph.input("Tests and studies that are ordered together.")
class PlaceOrdersInput:
    patient_id: ID = graph.field("For whom.")
    encounter_id: ID | None = graph.field("In which visit.", default=None)
    items: list[OrderItemInput] = graph.field("What.")
    client_key: str = graph.field(_KEY)

    def command(self) -> PlaceOrders:
        return PlaceOrders(
            patient_id=self.patient_id,
            encounter_id=self.encounter_id,
            tests=tuple(
                OrderRequest(
                    code=item.code,
                    priority=item.priority.value,
                    reason=item.reason,
                    note=item.note,
                )
                for item in self.items
            ),
            client_key=self.client_key,
        )


@graph.input("How a medicine is taken. The text is kept as written; the rest makes it countable.")
class DosageInput:
    text: str = graph.field("As it is told to the patient.")
    dose: Decimal | None = graph.field("How much at a time.", default=None)
    dose_unit: str | None = graph.field("Unit of the dose, such as tablet or mL.", default=None)
    frequency: int | None = graph.field("How many times per period.", default=None)
    period: Decimal | None = graph.field("Length of the period.", default=None)
    period_unit: str | None = graph.field("h, d, wk or mo.", default=None)
    when: list[str] = graph.field("FHIR event-timing codes.", default_factory=list)
    as_needed: bool = graph.field("Only when it is needed.", default=False)
    route: str | None = graph.field(
        "SNOMED CT code of the route, such as 26643006 (oral).", default=None
    )
    duration: Decimal | None = graph.field("For how long.", default=None)
    duration_unit: str | None = graph.field("h, d, wk or mo.", default=None)

    def instruction(self) -> DosageInstruction:
        return DosageInstruction(
            text=self.text,
            dose=self.dose,
            dose_unit=self.dose_unit,
            frequency=self.frequency,
            period=self.period,
            period_unit=self.period_unit,
            when=tuple(self.when),
            as_needed=self.as_needed,
            route=self.route,
            duration=self.duration,
            duration_unit=self.duration_unit,
        )


@graph.input("One medicine: from the catalogue, or as free text that the prescriber stands for.")
class MedicineInput:
    medicine_id: ID | None = graph.field("Id of a product in the catalogue.", default=None)
    text: str | None = graph.field("The medicine in words, when it is not there.", default=None)
    dosages: list[DosageInput] = graph.field("How it is taken; several follow each other.")
    quantity: Decimal | None = graph.field(
        "How much in all; reckoned from the dosages when it is left out.", default=None
    )
    quantity_unit: str | None = graph.field("Unit of the quantity.", default=None)
    repeats: int = graph.field("How often it may be handed out again.", default=0)
    substitution_allowed: bool = graph.field("Whether another brand may do.", default=True)
    note: str | None = graph.field("A remark for the pharmacist.", default=None)


@graph.input("A prescription to sign.")
class PrescribeInput:
    patient_id: ID = graph.field("For whom.")
    encounter_id: ID | None = graph.field("In which visit.", default=None)
    medicines: list[MedicineInput] = graph.field("What.")
    note: str | None = graph.field("A remark for the pharmacist.", default=None)
    client_key: str = graph.field(_KEY)

    def command(self) -> Prescribe:
        return Prescribe(
            patient_id=self.patient_id,
            encounter_id=self.encounter_id,
            medicines=tuple(
                MedicineRequest(
                    medicine_id=item.medicine_id,
                    text=item.text,
                    dosages=tuple(dosage.instruction() for dosage in item.dosages),
                    quantity=item.quantity,
                    quantity_unit=item.quantity_unit,
                    repeats=item.repeats,
                    substitution_allowed=item.substitution_allowed,
                    note=item.note,
                )
                for item in self.medicines
            ),
            note=self.note,
            client_key=self.client_key,
        )


@graph.input("An order to cancel.")
class CancelOrderInput:
    id: ID = graph.field("Which one.")
    reason: str = graph.field("Why.")
    expected_version: int = graph.field(_VERSION)


@graph.input("A medicine to stop.")
class StopMedicationInput:
    id: ID = graph.field("Which one.")
    reason: str = graph.field("Why.")
    expected_version: int = graph.field(_VERSION)


@graph.type("What became of an order.")
class PlaceOrdersPayload(Payload):
    orders: list[ServiceRequest] = graph.field("The orders, as asked.", default_factory=list)
    warnings: list[OrderWarning] = graph.field("What to look at.", default_factory=list)


@graph.type("What became of a cancellation.")
class CancelOrderPayload(Payload):
    order: ServiceRequest | None = graph.field("The revoked order.", default=None)


@graph.type("What became of a prescription.")
class PrescribePayload(Payload):
    prescription: Prescription | None = graph.field("The signed prescription.", default=None)
    warnings: list[OrderWarning] = graph.field("What to look at.", default_factory=list)


@graph.type("What became of stopping a medicine.")
class StopMedicationPayload(Payload):
    medication: MedicationRequest | None = graph.field("The stopped medicine.", default=None)


@graph.type("What became of sending again.")
class ResendDeliveryPayload(Payload):
    delivery: Delivery | None = graph.field("The delivery, pending again.", default=None)


@strawberry.type
class Mutation:
    @mutation("Order tests and studies; they go out at once.", scopes=writes("ServiceRequest"))
    async def place_orders(
        self, info: Info, input: Annotated[PlaceOrdersInput, graph.arg("What to order.")]
    ) -> PlaceOrdersPayload:
        placed = await place_orders(info.context.services.database, _author(info), input.command())
        return PlaceOrdersPayload(
            orders=[ServiceRequest(row=row) for row in placed.orders],
            warnings=[OrderWarning.of(warning) for warning in placed.warnings],
        )

    @mutation("Cancel an order that is not done.", scopes=writes("ServiceRequest"), tags=["staff"])
    async def cancel_order(
        self, info: Info, input: Annotated[CancelOrderInput, graph.arg("Which, and why.")]
    ) -> CancelOrderPayload:
        row = await cancel_order(
            info.context.services.database, input.id, input.reason, input.expected_version
        )
        return CancelOrderPayload(order=ServiceRequest(row=row))

    @mutation(
        "Sign a prescription; its medicines go out at once.",
        scopes=command("rx.sign"),
        tags=["staff"],
    )
    async def prescribe(
        self, info: Info, input: Annotated[PrescribeInput, graph.arg("What to prescribe.")]
    ) -> PrescribePayload:
        done = await prescribe(info.context.services.database, _author(info), input.command())
        return PrescribePayload(
            prescription=Prescription(row=done.prescription),
            warnings=[OrderWarning.of(warning) for warning in done.warnings],
        )

    @mutation("Stop a prescribed medicine.", scopes=writes("MedicationRequest"), tags=["staff"])
    async def stop_medication(
        self, info: Info, input: Annotated[StopMedicationInput, graph.arg("Which, and why.")]
    ) -> StopMedicationPayload:
        row = await stop_medicine(
            info.context.services.database, input.id, input.reason, input.expected_version
        )
        return StopMedicationPayload(medication=MedicationRequest(row=row))

    @mutation(
        "Try a delivery again that was given up.",
        scopes=(("user/ServiceRequest.cu",), ("user/MedicationDispense.cu",)),
        tags=["staff"],
    )
    async def resend_delivery(
        self, info: Info, number: Annotated[int, graph.arg("Number of the delivery.")]
    ) -> ResendDeliveryPayload:
        row = await resend(info.context.services.database, number)
        return ResendDeliveryPayload(delivery=Delivery.of(row))


def _author(info: Info) -> Author:
    who = info.context.identity
    return Author(who.practitioner_id, who.name[:200] if who.name else None)
