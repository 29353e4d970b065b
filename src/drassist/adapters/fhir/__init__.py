"""Talk to an EHR in FHIR R4: a client for its server, and the import of what it knows.

client      read, search, create, update, transaction: retried, guarded, bounded
breaker     after some failures in a row the server is left alone for a while
bundles     bundles from files
importing   server or folder -> records -> a sink, nothing dropped
documents   signed notes -> the EHR
"""

from drassist.adapters.fhir.client import Entry, FhirClient, FhirServer
from drassist.adapters.fhir.importing import (
    Collected,
    ImportReport,
    Progress,
    Sink,
    import_from_folder,
    import_from_server,
)

__all__ = [
    "Collected",
    "Entry",
    "FhirClient",
    "FhirServer",
    "ImportReport",
    "Progress",
    "Sink",
    "import_from_folder",
    "import_from_server",
]
