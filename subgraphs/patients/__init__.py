"""Patients: who they are, how to reach and find them, their allergies and problems.

The one writer of Patient, AllergyIntolerance and Condition; other subgraphs hold ids only.
"""
