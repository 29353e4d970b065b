"""A laboratory (or imaging department) reached through a FHIR R4 server.

    fhir_lab   orders out as ServiceRequest, results back as DiagnosticReport + Observation

Fits ``subgraphs.orders.ports.Laboratory`` by shape.
"""

from drassist.adapters.lab.fhir_lab import FhirLab, LabObservation, LabReport, LabSweep

__all__ = ["FhirLab", "LabObservation", "LabReport", "LabSweep"]
