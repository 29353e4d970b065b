"""The Ayushman Bharat Digital Mission, as far as asking for outside records goes.

    messages    what a consent gateway is told and tells; fits ``subgraphs.consents.ports`` by shape
    documents   ABDM-profiled FHIR documents -> what a reader wants to know of them

The gateway itself is played by ``drassist.testing.abdm``.
"""

from drassist.adapters.abdm.documents import HEALTH_INFORMATION_TYPES, Document, read_document
from drassist.adapters.abdm.messages import Artefact, Entry, Notice, Notices, Pages

__all__ = [
    "HEALTH_INFORMATION_TYPES",
    "Artefact",
    "Document",
    "Entry",
    "Notice",
    "Notices",
    "Pages",
    "read_document",
]
