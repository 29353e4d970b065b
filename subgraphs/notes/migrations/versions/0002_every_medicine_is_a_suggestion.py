"""every medicine is a suggestion: where it was heard is a list, and whether its name was clear"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from drassist.runtime import database as db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NOTES = sa.table("notes", sa.column("id", sa.String()), sa.column("suggestions", db.JSON))


def upgrade() -> None:
    connection = op.get_bind()
    for id, suggestions in connection.execute(sa.select(_NOTES)).all():
        if suggestions:
            kept = [_wider(each) for each in suggestions]
            connection.execute(sa.update(_NOTES).where(_NOTES.c.id == id).values(suggestions=kept))


def downgrade() -> None:
    connection = op.get_bind()
    for id, suggestions in connection.execute(sa.select(_NOTES)).all():
        if suggestions:
            kept = [_narrower(each) for each in suggestions if not each["clear"]]
            connection.execute(sa.update(_NOTES).where(_NOTES.c.id == id).values(suggestions=kept))


def _wider(each: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in each.items() if name != "utterance_id"}
    return {**kept, "utterance_ids": [each["utterance_id"]], "clear": False}


def _narrower(each: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in each.items() if name not in ("utterance_ids", "clear")}
    return {**kept, "utterance_id": each["utterance_ids"][0]}
