"""What the store keeps, as SQLAlchemy Core tables; `migrations/` builds the same, step by step."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

runs = sa.Table(
    "runs",
    METADATA,
    sa.Column("run", sa.String(26), primary_key=True),
    sa.Column("command", sa.String, nullable=False),
    sa.Column("started", sa.DateTime(timezone=True), nullable=False),
    sa.Column("finished", sa.DateTime(timezone=True)),
    sa.Column("started_by", sa.String, nullable=False),
    sa.Column("stopped", sa.String, nullable=False, server_default=""),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
)

hosts = sa.Table(
    "run_hosts",
    METADATA,
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
