"""Acceptance certificates, as they lie at the nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "certificates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("hardware", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run", sa.String(26), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("ix_certificates_host", "certificates", ["host"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("certificates")
