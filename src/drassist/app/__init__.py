"""The composition root: the only place that knows the router and the subgraphs.

:func:`create_application` is the whole system in one process; :func:`create_gateway` and
:func:`create_subgraph` are its parts as processes of their own. Only settings differ.
"""

from drassist.app.application import create_application
from drassist.app.gateway import create_gateway
from drassist.app.identity import create_provider
from drassist.app.subgraphs import SUBGRAPHS, create_subgraph

__all__ = [
    "SUBGRAPHS",
    "create_application",
    "create_gateway",
    "create_provider",
    "create_subgraph",
]
