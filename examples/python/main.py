"""An integrator's program: the generated client of the web contract, typed by pydantic models.

    pip install clients/web/generated/python
    TOKEN=... python examples/python/main.py http://127.0.0.1:4000 Priya

The token is an access token of a doctor.
"""

from __future__ import annotations

import asyncio
import os
import sys

from web_client import FindPatientSearchPatientsEdgesNodePatient as Patient
from web_client import GraphQLClientGraphQLMultiError, WebClient


async def main(base: str, text: str) -> None:
    """Say who works here, then who is found."""
    headers = {"authorization": f"Bearer {os.environ['TOKEN']}"}
    async with WebClient(f"{base}/web/graphql", headers=headers) as client:
        try:
            workspace = (await client.workspace()).workspace
            print(f"signed in: {workspace.user.name}")
            found = await client.find_patient(text)
        except GraphQLClientGraphQLMultiError as error:
            for each in error.errors:
                print(f"error: {(each.extensions or {}).get('code')}: {each.message}")
            return
        for edge in found.search_patients.edges:
            print(f"found: {described(edge.node.patient)}")


def described(patient: Patient) -> str:
    """A line about ``patient``."""
    return f"{patient.name}, {patient.age} years, {patient.gender.value.lower()}, {patient.mrn}"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
