"""The hub's database: one set of tables and rules for SQLite and PostgreSQL."""
