"""Alembic migrations, shipped in the package; `storage.sql.migrate.upgrade` runs them."""
