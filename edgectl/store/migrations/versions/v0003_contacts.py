"""What earlier looks at each host found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "contacts",
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("reach", sa.String(16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("tcp_s", sa.JSON, nullable=False),
        sa.Column("seconds", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("contacts")
