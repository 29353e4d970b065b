"""Batches: what many objects of one answer need is read by one statement each."""

from __future__ import annotations

from drassist.graph.batches import by_id, children, pages
from subgraphs.consents.models import (
    ConsentArtefact,
    ConsentRequest,
    ExternalRecord,
    StateChange,
    Transfer,
)

__all__ = [
    "artefact_by_id",
    "artefacts_of_request",
    "changes_of_request",
    "record_by_id",
    "records_of_artefact",
    "records_of_patient",
    "request_by_id",
    "requests_of_patient",
    "transfer_by_id",
    "transfers_of_artefact",
]

request_by_id = by_id(ConsentRequest)
artefact_by_id = by_id(ConsentArtefact)
transfer_by_id = by_id(Transfer)
record_by_id = by_id(ExternalRecord)

artefacts_of_request = children(
    ConsentArtefact, ConsentArtefact.request_id, ConsentArtefact.facility, ConsentArtefact.id
)
changes_of_request = children(StateChange, StateChange.request_id, StateChange.place)
transfers_of_artefact = children(Transfer, Transfer.artefact_id, Transfer.requested_at, Transfer.id)
records_of_artefact = children(
    ExternalRecord, ExternalRecord.artefact_id, ExternalRecord.sorted_at, ExternalRecord.id
)

requests_of_patient = pages(ConsentRequest, ConsentRequest.patient_id, ConsentRequest.requested_at)
records_of_patient = pages(ExternalRecord, ExternalRecord.patient_id, ExternalRecord.sorted_at)
