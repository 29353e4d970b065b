"""A pharmacy reached through a FHIR R4 server.

    fhir_pharmacy   prescriptions out as MedicationRequest, hand-overs back as MedicationDispense

Fits ``subgraphs.orders.ports.Pharmacy`` by shape.
"""

from drassist.adapters.pharmacy.fhir_pharmacy import Dispensed, DispenseSweep, FhirPharmacy

__all__ = ["DispenseSweep", "Dispensed", "FhirPharmacy"]
