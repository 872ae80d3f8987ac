"""What it takes to follow, continue and cancel a run, the timeline of each host, and freezes of the fleet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns that are empty for runs of before, and the freezes."""
    for column in _run_columns():
        op.add_column("runs", column)
    for column in _host_columns():
        op.add_column("run_hosts", column)
    op.create_table(
        "freezes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("frozen_by", sa.String, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("lifted", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.String, nullable=False, server_default=""),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("freezes")
    for column in _host_columns():
        op.drop_column("run_hosts", column.name)
    for column in _run_columns():
        op.drop_column("runs", column.name)


def _run_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("argv", sa.JSON),
        sa.Column("cwd", sa.String, nullable=False, server_default=""),
        sa.Column("inventory", sa.String, nullable=False, server_default=""),
        sa.Column("changes", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("journaled", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("cancelled", sa.String, nullable=False, server_default=""),
        sa.Column("digest", sa.String(64), nullable=False, server_default=""),
        sa.Column("playbook", sa.String(64), nullable=False, server_default=""),
        sa.Column("planned", sa.JSON),
    ]


def _host_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("started", sa.DateTime(timezone=True)),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sa.Column("jobs", sa.JSON),
        sa.Column("timeline", sa.JSON),
    ]
