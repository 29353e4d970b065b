"""Who a patient is, asked in the graph: other subgraphs hold only her id.

In one process the operation is executed directly; between processes it goes over HTTP, with a token
that the service gets for itself.
"""

from __future__ import annotations

from drassist.adapters.patients.asking import PatientsOverHttp, ServiceTokens
from drassist.adapters.patients.identifying import ByIdOnly, Execute, PatientsInGraph
from drassist.runtime.identity import SERVICE_SCOPES
from drassist.runtime.settings import Settings

__all__ = [
    "ByIdOnly",
    "Execute",
    "PatientsInGraph",
    "PatientsOverHttp",
    "ServiceTokens",
    "patients_of",
]


def patients_of(settings: Settings) -> ByIdOnly | PatientsInGraph:
    """Who a patient is, as the settings have it: asked over HTTP, or told by our id only."""
    service = settings.service
    url, secret = service.patients_url, service.client_secret
    if url is None or service.token_url is None or service.client_id is None or secret is None:
        return ByIdOnly()
    tokens = ServiceTokens(
        service.token_url,
        service.client_id,
        secret.get_secret_value(),
        scope=" ".join(sorted(SERVICE_SCOPES)),
        timeout=service.timeout,
    )
    ask = PatientsOverHttp(url, tokens, timeout=service.timeout)
    return PatientsInGraph(ask, settings.facility_id)
