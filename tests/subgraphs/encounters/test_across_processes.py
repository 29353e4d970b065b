from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import BusSettings, Settings
from subgraphs.encounters.app import create_app
from subgraphs.encounters.services.people import add_practitioner
from tests.patience import PATIENCE

WALK_IN = """
import asyncio, json, sys
from drassist.runtime.identity import Identity, Role
from drassist.runtime.settings import Settings
from subgraphs.encounters.app import create_app
from subgraphs.encounters.models import outbox

async def main():
    async with create_app(Settings.model_validate(json.loads(sys.argv[1]))).lifespan() as encounters:
        made = await encounters.execute('''mutation { walkIn(input: {patientId: "Patient:1",
            practitionerId: "practitioner-asha-rao"}) { errors { code } } }''',
            identity=Identity.of(Role.FRONT_DESK))
        assert made["data"]["walkIn"]["errors"] == [], made
        waiting = True
        while waiting:
            async with encounters.services.database.session() as session:
                waiting = await outbox.waiting(session)

asyncio.run(main())
"""


async def test_a_queue_is_watched_in_one_process_and_changed_in_another(
    settings: Settings, redis_url: str
) -> None:
    shared = settings.model_copy(update={"bus": BusSettings(url=redis_url)})
    doctor = Identity.of(Role.DOCTOR, practitioner_id="practitioner-asha-rao")
    async with create_app(shared).lifespan() as encounters:
        await add_practitioner(encounters.services, "Dr Rao", id="practitioner-asha-rao")
        watching = encounters.subscribe(
            "subscription { queueChanged { reason queue { waitingCount } } }", identity=doctor
        )
        assert (await asyncio.wait_for(anext(watching), PATIENCE))["data"]["queueChanged"] == {
            "reason": "CURRENT",
            "queue": {"waitingCount": 0},
        }
        given = json.dumps(shared.model_dump(mode="json", include={"database", "bus", "relay"}))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DRASSIST_")}
        command = [sys.executable, "-c", WALK_IN, given]
        await asyncio.to_thread(subprocess.run, command, check=True, env=environment)
        heard = await asyncio.wait_for(anext(watching), PATIENCE)
        await watching.aclose()  # type: ignore[attr-defined]
    assert heard["data"]["queueChanged"] == {"reason": "issued", "queue": {"waitingCount": 1}}
