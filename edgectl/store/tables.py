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
    sa.Column("argv", sa.JSON),
    sa.Column("cwd", sa.String, nullable=False, server_default=""),
    sa.Column("inventory", sa.String, nullable=False, server_default=""),
    sa.Column("changes", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("journaled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cancelled", sa.String, nullable=False, server_default=""),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    sa.Column("playbook", sa.String(64), nullable=False, server_default=""),
    sa.Column("planned", sa.JSON),
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
    sa.Column("started", sa.DateTime(timezone=True)),
    sa.Column("ended", sa.DateTime(timezone=True)),
    sa.Column("jobs", sa.JSON),
    sa.Column("timeline", sa.JSON),
)

freezes = sa.Table(
    "freezes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("frozen_by", sa.String, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Column("until", sa.DateTime(timezone=True)),
    sa.Column("lifted", sa.DateTime(timezone=True)),
    sa.Column("lifted_by", sa.String, nullable=False, server_default=""),
)

contacts = sa.Table(
    "contacts",
    METADATA,
    sa.Column("host", sa.String, primary_key=True),
    sa.Column("reach", sa.String(16), nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Column("answered", sa.DateTime(timezone=True)),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("tcp_s", sa.JSON, nullable=False),
    sa.Column("seconds", sa.JSON, nullable=False),
)
