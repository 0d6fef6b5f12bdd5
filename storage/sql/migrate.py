"""Bring a database to the schema of this program: at every start, on both kinds of database."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from storage.errors import SchemaTooNew
from storage.sql.faults import translate

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_232_468_001  # any number of our own: nodes that start together migrate one after the other


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction.

    Raises SchemaTooNew when a newer Timbre has been here, or another StorageError; then nothing has changed.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            _upgrade(connection)
    except DBAPIError as error:
        raise translate(error) from error


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"the database has schema {current}, which this Timbre ({script.get_current_head()}) does not know: "
            "run the newer Timbre that made it, or restore the backup from before the upgrade"
        )
    if current != script.get_current_head():
        command.upgrade(config, "head")
