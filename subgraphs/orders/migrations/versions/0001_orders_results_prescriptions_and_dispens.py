"""orders, results, prescriptions and dispenses"""

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
        "cursors",
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("position", sa.String(length=200), nullable=False),
        sa.Column("swept_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("peer", name=op.f("pk_cursors")),
    )
    op.create_table(
        "dispenses",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("source_version", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("medicine", sa.String(length=300), nullable=False),
        sa.Column("quantity", db.ExactDecimal(), nullable=True),
        sa.Column("unit", sa.String(length=80), nullable=True),
        sa.Column("days_supply", db.ExactDecimal(), nullable=True),
        sa.Column("prepared", db.UtcDateTime(), nullable=True),
        sa.Column("handed_over", db.UtcDateTime(), nullable=True),
        sa.Column("substituted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispenses")),
        sa.UniqueConstraint("source_id", name=op.f("uq_dispenses_source_id")),
    )
    with op.batch_alter_table("dispenses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispenses_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispenses_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "historic_medications",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("medicine", sa.String(length=400), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("code_system", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("dosage", sa.Text(), nullable=True),
        sa.Column("authored", db.UtcDateTime(), nullable=True),
        sa.Column("sorted_at", db.UtcDateTime(), nullable=False),
        sa.Column("prescriber", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_historic_medications")),
        sa.UniqueConstraint("source_id", name=op.f("uq_historic_medications_source_id")),
    )
    with op.batch_alter_table("historic_medications", schema=None) as batch_op:
        batch_op.create_index(
            "ix_historic_medications_patient", ["patient_id", "sorted_at", "id"], unique=False
        )

    op.create_table(
        "observations",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("report_id", sa.String(length=80), nullable=True),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("display", sa.String(length=400), nullable=False),
        sa.Column("effective", db.UtcDateTime(), nullable=True),
        sa.Column("sorted_at", db.UtcDateTime(), nullable=False),
        sa.Column("value", db.ExactDecimal(), nullable=True),
        sa.Column("comparator", sa.String(length=4), nullable=True),
        sa.Column("unit", sa.String(length=80), nullable=True),
        sa.Column("ucum", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("absent_reason", sa.String(length=40), nullable=True),
        sa.Column("interpretation", sa.String(length=16), nullable=True),
        sa.Column("low", db.ExactDecimal(), nullable=True),
        sa.Column("high", db.ExactDecimal(), nullable=True),
        sa.Column("range_text", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        sa.UniqueConstraint("source_id", name="uq_observations_source"),
    )
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.create_index(
            "ix_observations_patient", ["patient_id", "code", "sorted_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_observations_report_id"), ["report_id"], unique=False)

    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("placer_number", sa.String(length=64), nullable=False),
        sa.Column("requisition", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("display", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("requester_id", sa.String(length=80), nullable=True),
        sa.Column("requester_name", sa.String(length=200), nullable=True),
        sa.Column("authored", db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(), nullable=True),
        sa.Column("peer_reference", sa.String(length=200), nullable=True),
        sa.Column("client_key", sa.String(length=80), nullable=False),
        sa.Column("client_index", sa.Integer(), nullable=False),
        sa.Column("client_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("client_key", "client_index", name="uq_orders_client_key"),
        sa.UniqueConstraint("placer_number", name=op.f("uq_orders_placer_number")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_orders_encounter", ["encounter_id", "authored", "id"], unique=False
        )
        batch_op.create_index("ix_orders_patient", ["patient_id", "authored", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_orders_requisition"), ["requisition"], unique=False)

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
        "prescription_items",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("prescription_id", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("placer_number", sa.String(length=64), nullable=False),
        sa.Column("medicine_id", sa.String(length=120), nullable=True),
        sa.Column("medicine", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("dosages", db.JSON, nullable=False),
        sa.Column("quantity", db.ExactDecimal(), nullable=True),
        sa.Column("quantity_unit", sa.String(length=80), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("substitution_allowed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("authored", db.UtcDateTime(), nullable=False),
        sa.Column("sent_at", db.UtcDateTime(), nullable=True),
        sa.Column("peer_reference", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription_items")),
        sa.UniqueConstraint("placer_number", name=op.f("uq_prescription_items_placer_number")),
    )
    with op.batch_alter_table("prescription_items", schema=None) as batch_op:
        batch_op.create_index(
            "ix_prescription_items_patient", ["patient_id", "authored", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_prescription_items_prescription_id"), ["prescription_id"], unique=False
        )

    op.create_table(
        "prescriptions",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("requester_id", sa.String(length=80), nullable=True),
        sa.Column("requester_name", sa.String(length=200), nullable=True),
        sa.Column("authored", db.UtcDateTime(), nullable=False),
        sa.Column("client_key", sa.String(length=80), nullable=False),
        sa.Column("client_digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescriptions")),
        sa.UniqueConstraint("client_key", name=op.f("uq_prescriptions_client_key")),
        sa.UniqueConstraint("number", name=op.f("uq_prescriptions_number")),
    )
    with op.batch_alter_table("prescriptions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_prescriptions_encounter", ["encounter_id", "authored", "id"], unique=False
        )
        batch_op.create_index(
            "ix_prescriptions_patient", ["patient_id", "authored", "id"], unique=False
        )

    op.create_table(
        "report_versions",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("report_id", sa.String(length=80), nullable=False),
        sa.Column("source_version", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("content", db.JSON, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_versions")),
        sa.UniqueConstraint(
            "report_id", "source_version", name=op.f("uq_report_versions_report_id_source_version")
        ),
    )
    with op.batch_alter_table("report_versions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_report_versions_report_id"), ["report_id"], unique=False
        )

    op.create_table(
        "reports",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.Column("order_id", sa.String(length=80), nullable=True),
        sa.Column("patient_id", sa.String(length=80), nullable=False),
        sa.Column("encounter_id", sa.String(length=80), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("source_version", sa.String(length=80), nullable=False),
        sa.Column("filler_number", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("display", sa.String(length=400), nullable=False),
        sa.Column("effective", db.UtcDateTime(), nullable=True),
        sa.Column("issued", db.UtcDateTime(), nullable=True),
        sa.Column("sorted_at", db.UtcDateTime(), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=True),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("source_id", name=op.f("uq_reports_source_id")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_encounter_id"), ["encounter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_order_id"), ["order_id"], unique=False)
        batch_op.create_index("ix_reports_patient", ["patient_id", "sorted_at", "id"], unique=False)

    op.create_table(
        "strays",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("content", db.JSON, nullable=True),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strays")),
        sa.UniqueConstraint(
            "peer", "source_id", "reason", name=op.f("uq_strays_peer_source_id_reason")
        ),
    )


def downgrade() -> None:
    op.drop_table("strays")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_index("ix_reports_patient")
        batch_op.drop_index(batch_op.f("ix_reports_order_id"))
        batch_op.drop_index(batch_op.f("ix_reports_encounter_id"))

    op.drop_table("reports")
    with op.batch_alter_table("report_versions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_versions_report_id"))

    op.drop_table("report_versions")
    with op.batch_alter_table("prescriptions", schema=None) as batch_op:
        batch_op.drop_index("ix_prescriptions_patient")
        batch_op.drop_index("ix_prescriptions_encounter")

    op.drop_table("prescriptions")
    with op.batch_alter_table("prescription_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_prescription_items_prescription_id"))
        batch_op.drop_index("ix_prescription_items_patient")

    op.drop_table("prescription_items")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_waiting")

    op.drop_table("outbox")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_requisition"))
        batch_op.drop_index("ix_orders_patient")
        batch_op.drop_index("ix_orders_encounter")

    op.drop_table("orders")
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_observations_report_id"))
        batch_op.drop_index("ix_observations_patient")

    op.drop_table("observations")
    with op.batch_alter_table("historic_medications", schema=None) as batch_op:
        batch_op.drop_index("ix_historic_medications_patient")

    op.drop_table("historic_medications")
    with op.batch_alter_table("dispenses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispenses_patient_id"))
        batch_op.drop_index(batch_op.f("ix_dispenses_item_id"))

    op.drop_table("dispenses")
    op.drop_table("cursors")
