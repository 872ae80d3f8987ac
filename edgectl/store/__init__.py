"""What ran and what is known, kept in SQLite or PostgreSQL behind the engine's RunStore port."""
