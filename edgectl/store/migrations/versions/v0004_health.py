"""The fleet's health over time: cards, their places and weeks, states of findings, changes, snoozes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
_TABLES = (
    "health_cards",
    "health_places",
    "health_weeks",
    "health_states",
    "health_changes",
    "health_snoozes",
)


def upgrade() -> None:
    """Create the tables."""
    _cards()
    _findings()
    op.create_table(
        "health_snoozes",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("hosts"),
        _text("finding"),
        _text("reason"),
        _text("snoozed_by"),
        _moment("since"),
        _moment("until"),
        sa.Column("lifted", sa.BigInteger),
        sa.Column("lifted_by", sa.String, nullable=False, server_default=""),
    )


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)


def _cards() -> None:
    op.create_table(
        "health_cards",
        sa.Column("card", sa.String, primary_key=True),
        _text("serial"),
        _text("name"),
        _text("host"),
        _text("slot"),
        _moment("since"),
        _moment("seen"),
        _text("boot"),
        _text("driver"),
        sa.Column("looks", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_health_cards_host", "health_cards", ["host"])
    op.create_table(
        "health_places",
        sa.Column("card", sa.String, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True),
        _text("host"),
        _text("slot"),
    )
    op.create_table(
        "health_weeks",
        sa.Column("week", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("card", sa.String, primary_key=True),
        sa.Column("days", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _findings() -> None:
    op.create_table(
        "health_states",
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("finding", sa.String, primary_key=True),
        _text("host"),
        _text("label"),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        _moment("since"),
        _moment("seen"),
        _moment("looks"),
    )
    op.create_index("ix_health_states_host", "health_states", ["host"])
    op.create_table(
        "health_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        _moment("at"),
        _text("host"),
        _text("subject"),
        _text("label"),
        _text("finding"),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("turn", sa.String(16), nullable=False),
        _text("why"),
    )
    op.create_index("ix_health_changes_at", "health_changes", ["at"])
    op.create_index("ix_health_changes_host", "health_changes", ["host"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _moment(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
