"""Merging: many valid subgraphs into one schema, one module an idea.

:func:`router.composition.merge.pipeline.merge` is the door.
"""
