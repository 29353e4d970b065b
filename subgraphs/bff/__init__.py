"""Backend for frontends: small schema-first subgraphs with fields made for one device.

Nothing is stored here and no clinical rule lives here. A field reads what the domain subgraphs
know through ``@requires``, gives it the device's shape, and returns entities by key, which the
domain subgraphs fill. One folder, three schemas: ``schema/web``, ``mobile``, ``tablet``.
"""
