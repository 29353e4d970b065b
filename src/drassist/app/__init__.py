"""The composition root: the only place that knows the router and the subgraphs.

    application   create_application: the whole system in one process
    gateway       create_gateway: the router alone
    subgraphs     create_subgraph: one subgraph alone
    identity      create_provider: the development identity provider

Only settings differ between one process and many. Nothing is imported here: a process pays for what
it runs, and a gateway for no database.
"""
