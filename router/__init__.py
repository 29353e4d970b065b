"""A GraphQL Federation router in Python: composition, planning, execution and the door to clients.

Knows nothing of any domain: it could be published alone.
"""
