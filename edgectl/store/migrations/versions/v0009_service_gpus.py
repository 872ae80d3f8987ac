"""Which GPUs of its host a service has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; of what was recorded before nothing is known."""
    op.add_column("service_changes", sa.Column("gpus", sa.String, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("service_changes", "gpus")
