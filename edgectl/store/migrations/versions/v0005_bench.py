"""Measurements, one small row each: what a server is compared with later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "bench_results",
        sa.Column("run", sa.String(26), primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("command", sa.String, nullable=False),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
    )
    op.create_index("ix_bench_results_at", "bench_results", ["at"])
    op.create_index("ix_bench_results_subject", "bench_results", ["subject"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("bench_results")
