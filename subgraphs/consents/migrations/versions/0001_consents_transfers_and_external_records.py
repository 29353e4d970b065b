"""consents, transfers and external records"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from drassist.runtime import database as db

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_artefacts",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("request_id", sa.String(length=80), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("gateway_id", sa.String(length=120), nullable=False),
        sa.Column("facility_id", sa.String(length=120), nullable=False),
        sa.Column("facility", sa.String(length=300), nullable=False),
        sa.Column("abha_address", sa.String(length=80), nullable=False),
        sa.Column("hi_types", db.JSON, nullable=False),
        sa.Column("care_contexts", db.JSON, nullable=False),
        sa.Column("start", db.UtcDateTime(), nullable=False),
        sa.Column("end", db.UtcDateTime(), nullable=False),
        sa.Column("erase_at", db.UtcDateTime(), nullable=False),
        sa.Column("access_mode", sa.String(length=16), nullable=False),
        sa.Column("narrowed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("granted_at", db.UtcDateTime(), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_artefacts")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_consent_artefacts_gateway_id")),
    )
    with op.batch_alter_table("consent_artefacts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consent_artefacts_patient_id"), ["patient_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_consent_artefacts_request_id"), ["request_id"], unique=False
        )

    op.create_table(
        "consent_requests",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("abha_address", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("hi_types", db.JSON, nullable=False),
        sa.Column("start", db.UtcDateTime(), nullable=False),
        sa.Column("end", db.UtcDateTime(), nullable=False),
        sa.Column("erase_at", db.UtcDateTime(), nullable=False),
        sa.Column("expires_at", db.UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requester_id", sa.String(length=80), nullable=True),
        sa.Column("requester_name", sa.String(length=200), nullable=True),
        sa.Column("requested_at", db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(), nullable=True),
        sa.Column("decided_at", db.UtcDateTime(), nullable=True),
        sa.Column("gateway_id", sa.String(length=120), nullable=True),
        sa.Column("client_key", sa.String(length=80), nullable=False),
        sa.Column("client_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_requests")),
        sa.UniqueConstraint("client_key", name=op.f("uq_consent_requests_client_key")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_consent_requests_gateway_id")),
    )
    with op.batch_alter_table("consent_requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_consent_requests_patient", ["patient_id", "requested_at", "id"], unique=False
        )

    op.create_table(
        "cursors",
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("position", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_cursors")),
    )
    op.create_table(
        "early_notices",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("gateway_id", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("artefacts", db.JSON, nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_early_notices")),
    )
    with op.batch_alter_table("early_notices", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_early_notices_gateway_id"), ["gateway_id"], unique=False
        )

    op.create_table(
        "external_records",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("artefact_id", sa.String(length=80), nullable=False),
        sa.Column("transfer_id", sa.String(length=80), nullable=False),
        sa.Column("facility", sa.String(length=300), nullable=False),
        sa.Column("care_context", sa.String(length=200), nullable=False),
        sa.Column("hi_type", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("author", sa.String(length=300), nullable=True),
        sa.Column("authored", db.UtcDateTime(), nullable=True),
        sa.Column("sorted_at", db.UtcDateTime(), nullable=False),
        sa.Column("sections", db.JSON, nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.Column("erased_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_records")),
        sa.UniqueConstraint("artefact_id", "digest", name="uq_external_records_content"),
    )
    with op.batch_alter_table("external_records", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_external_records_artefact_id"), ["artefact_id"], unique=False
        )
        batch_op.create_index(
            "ix_external_records_patient", ["patient_id", "sorted_at", "id"], unique=False
        )

    op.create_table(
        "outbox",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("time", db.UtcDateTime(), nullable=False),
        sa.Column("data", db.JSON, nullable=False),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_at", db.UtcDateTime(), nullable=False),
        sa.Column("settled_at", db.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", "destination", name="uq_outbox_event_destination"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_waiting", ["state", "destination", "subject", "sequence"], unique=False
        )

    op.create_table(
        "state_changes",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_changes")),
    )
    with op.batch_alter_table("state_changes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_state_changes_request_id"), ["request_id"], unique=False
        )

    op.create_table(
        "transfers",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("artefact_id", sa.String(length=80), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("transaction_id", sa.String(length=120), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("pages_expected", sa.Integer(), nullable=True),
        sa.Column("pages_received", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=400), nullable=True),
        sa.Column("requested_at", db.UtcDateTime(), nullable=False),
        sa.Column("completed_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_transfers_transaction_id")),
    )
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfers_artefact_id"), ["artefact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfers_patient_id"), ["patient_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_transfers_status"), ["status"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transfers_status"))
        batch_op.drop_index(batch_op.f("ix_transfers_patient_id"))
        batch_op.drop_index(batch_op.f("ix_transfers_artefact_id"))

    op.drop_table("transfers")
    with op.batch_alter_table("state_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_state_changes_request_id"))

    op.drop_table("state_changes")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_waiting")

    op.drop_table("outbox")
    with op.batch_alter_table("external_records", schema=None) as batch_op:
        batch_op.drop_index("ix_external_records_patient")
        batch_op.drop_index(batch_op.f("ix_external_records_artefact_id"))

    op.drop_table("external_records")
    with op.batch_alter_table("early_notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_early_notices_gateway_id"))

    op.drop_table("early_notices")
    op.drop_table("cursors")
    with op.batch_alter_table("consent_requests", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_requests_patient")

    op.drop_table("consent_requests")
    with op.batch_alter_table("consent_artefacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_artefacts_request_id"))
        batch_op.drop_index(batch_op.f("ix_consent_artefacts_patient_id"))

    op.drop_table("consent_artefacts")
