"""GraphiQL, self-hosted: built from npm at set-up, no request to any other host.

    app = create_graphiql(GraphiQLConfig(title="Graph", clients=(ClientEntry("default", ...),)))

serves the page at ``/`` and what it may know at ``config.json``.
"""

from router.graphiql.app import ClientEntry, GraphiQLConfig, Operation, SignIn, create_graphiql

__all__ = ["ClientEntry", "GraphiQLConfig", "Operation", "SignIn", "create_graphiql"]
