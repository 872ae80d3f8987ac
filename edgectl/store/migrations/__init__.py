"""Alembic migrations; package data."""
