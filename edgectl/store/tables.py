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

# Stages of hosts: rows are only added, and the latest of a host is where it is.
passages = sa.Table(
    "passages",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", sa.String, nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("passed_by", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("run", sa.String(26), nullable=False),
)

certificates = sa.Table(
    "certificates",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", sa.String, nullable=False, index=True),
    sa.Column("hardware", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("run", sa.String(26), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)

# Health has a row for every card of the fleet, and one more for each of its weeks: moments are whole seconds since
# 1970, which is a third of a timestamp's size and read at a third of the cost; looks and days are packed.
health_cards = sa.Table(
    "health_cards",
    METADATA,
    sa.Column("card", sa.String, primary_key=True),
    sa.Column("serial", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False, index=True),
    sa.Column("slot", sa.String, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("boot", sa.String, nullable=False),
    sa.Column("driver", sa.String, nullable=False),
    sa.Column("looks", sa.LargeBinary, nullable=False),
)

health_places = sa.Table(
    "health_places",
    METADATA,
    sa.Column("card", sa.String, primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("slot", sa.String, nullable=False),
)

health_weeks = sa.Table(
    "health_weeks",
    METADATA,
    sa.Column("week", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("card", sa.String, primary_key=True),
    sa.Column("days", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

health_states = sa.Table(
    "health_states",
    METADATA,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("finding", sa.String, primary_key=True),
    sa.Column("host", sa.String, nullable=False, index=True),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("phase", sa.String(16), nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),
    sa.Column("looks", sa.BigInteger, nullable=False),
)

health_changes = sa.Table(
    "health_changes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("host", sa.String, nullable=False, index=True),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("finding", sa.String, nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("turn", sa.String(16), nullable=False),
    sa.Column("why", sa.String, nullable=False),
)

health_snoozes = sa.Table(
    "health_snoozes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hosts", sa.String, nullable=False),
    sa.Column("finding", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("snoozed_by", sa.String, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("lifted", sa.BigInteger),
    sa.Column("lifted_by", sa.String, nullable=False, server_default=""),
)

bench_results = sa.Table(
    "bench_results",
    METADATA,
    sa.Column("run", sa.String(26), primary_key=True),
    sa.Column("subject", sa.String, primary_key=True, index=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("command", sa.String, nullable=False),
    sa.Column("shape", sa.String(16), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("engine", sa.String, nullable=False),
    sa.Column("sku", sa.String, nullable=False),
    sa.Column("trusted", sa.Boolean, nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
)

# Who may deploy a service now; a row stays when its hold is over, for its token only ever grows.
service_holds = sa.Table(
    "service_holds",
    METADATA,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("process", sa.String, nullable=False),
    sa.Column("command", sa.String, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
)

service_releases = sa.Table(
    "service_releases",
    METADATA,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("release", sa.String(16), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("kept_by", sa.String, nullable=False),
    sa.Column("lock", sa.JSON, nullable=False),
    sa.Column("claim", sa.JSON, nullable=False),
)

# Rows are only added, and the latest of a service on a host is what is in force there.
service_changes = sa.Table(
    "service_changes",
    METADATA,
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
    sa.Column("gpus", sa.String, nullable=False, server_default=""),
    sa.Index("ix_service_changes", "service", "host"),
)

engine_starts = sa.Table(
    "engine_starts",
    METADATA,
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
    sa.Index("ix_engine_starts", "model", "engine"),
)
