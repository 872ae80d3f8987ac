"""Stages that hosts came to in their lives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "passages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("run", sa.String(26), nullable=False),
    )
    op.create_index("ix_passages_host", "passages", ["host"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("passages")
