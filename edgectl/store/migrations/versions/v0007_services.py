"""Services: who holds one, what its releases are, what hosts came to serve, what engines took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "service_holds",
        sa.Column("service", sa.String, primary_key=True),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("process", sa.String, nullable=False),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "service_releases",
        sa.Column("service", sa.String, primary_key=True),
        sa.Column("release", sa.String(16), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_by", sa.String, nullable=False),
        sa.Column("lock", sa.JSON, nullable=False),
        sa.Column("claim", sa.JSON, nullable=False),
    )
    op.create_table(
        "service_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("release", sa.String(16), nullable=False),
        sa.Column("tried", sa.String(16), nullable=False),
        sa.Column("turn", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
        sa.Column("run", sa.String(26), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_index("ix_service_changes", "service_changes", ["service", "host"])
    op.create_table(
        "engine_starts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("mig", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weights_bytes", sa.BigInteger),
        sa.Column("activation_bytes", sa.BigInteger),
        sa.Column("graphs_bytes", sa.BigInteger),
        sa.Column("other_bytes", sa.BigInteger),
    )
    op.create_index("ix_engine_starts", "engine_starts", ["model", "engine"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("engine_starts")
    op.drop_table("service_changes")
    op.drop_table("service_releases")
    op.drop_table("service_holds")
