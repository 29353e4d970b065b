"""Encounters: practitioners, places, appointments, the queue, visits, vitals and tasks.

The one writer of all of these; patients are ids of another subgraph here.
"""
