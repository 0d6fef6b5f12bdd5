"""From a database URL to an engine whose every connection has the settings the house relies on."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool, StaticPool

from storage.errors import BadDatabaseUrl, StorageUnavailable

_BUSY_TIMEOUT_S = 10.0
_SUPPORTED = "use sqlite:///path/to/timbre.db or postgresql://user@host/name"


class Durability(StrEnum):
    """What an acknowledged write survives (SQLite; PostgreSQL decides with its own synchronous_commit)."""

    PROCESS = "process"  # kill -9 of any process: the write is in the kernel's page cache (synchronous=NORMAL)
    POWER = "power"  # a power cut as well: one fsync per group of writes (synchronous=FULL)


def make_engine(url: str, durability: Durability = Durability.PROCESS) -> Engine:
    """An engine for `sqlite://` (memory), `sqlite:///file` or `postgresql://...` (psycopg 3).

    Raises BadDatabaseUrl, and StorageUnavailable when SQLite's folder does not exist and cannot be made.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, durability)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(
            parsed, poolclass=NullPool, connect_args={"connect_timeout": 5, "application_name": "timbre"}
        )
    raise BadDatabaseUrl(f"database URL of kind {parsed.get_backend_name()!r}: {_SUPPORTED}")


def is_memory(engine: Engine) -> bool:
    """Whether the database lives in one connection and dies with it."""
    return isinstance(engine.pool, StaticPool)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadDatabaseUrl(f"database URL cannot be read: {_SUPPORTED}") from error
    return parsed


def _sqlite(url: URL, durability: Durability) -> Engine:
    memory = url.database in (None, "", ":memory:")
    if not memory:
        _make_folder(Path(str(url.database)).parent)
    # autocommit at the driver (isolation_level None): transactions are opened by name, BEGIN IMMEDIATE, and a
    # connection goes from thread to thread but is used by one at a time
    engine = create_engine(
        url,
        poolclass=StaticPool if memory else NullPool,
        paramstyle="named",
        connect_args={"timeout": _BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
    )
    synchronous = "FULL" if durability is Durability.POWER else "NORMAL"

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, record: object) -> None:
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(f"cannot make the database's folder {folder}: {error.strerror}") from error
