"""Runs and how each host of a run ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("run", sa.String(26), primary_key=True),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True)),
        sa.Column("started_by", sa.String, nullable=False),
        sa.Column("stopped", sa.String, nullable=False, server_default=""),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
    )
    op.create_table(
        "run_hosts",
        sa.Column("run", sa.String(26), sa.ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("pop", sa.String, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("failed_task", sa.String),
        sa.Column("hint", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("tasks", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("run_hosts")
    op.drop_table("runs")
