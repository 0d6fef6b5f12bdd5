"""Alembic's entry point: the connection comes from `storage.sql.migrate`, or from `alembic -x url=...` by hand."""

from alembic import context
from sqlalchemy import Connection

from storage.sql.engine import make_engine
from storage.sql.schema import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with make_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        _run(opened)
