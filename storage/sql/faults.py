"""From what a driver raised to what storage says: the only place that knows drivers' errors."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from storage.errors import (
    StorageBusy,
    StorageConflict,
    StorageError,
    StorageFull,
    StorageUnavailable,
)

_SQLITE = {
    sqlite3.SQLITE_FULL: StorageFull(
        "the disk that holds the database is full: free space; nothing committed is lost and writing goes on by itself"
    ),
    sqlite3.SQLITE_BUSY: StorageBusy(
        "another process keeps the SQLite file locked: stop the second program, or use PostgreSQL to share the database"
    ),
    sqlite3.SQLITE_LOCKED: StorageBusy("another connection keeps a table locked: try again"),
}
_UNREACHABLE = "the database cannot be reached: check that its server runs and its address in the settings"


def translate(error: Exception) -> Exception:
    """The storage error for what a driver raised; anything else (a bug in a job) stays what it is."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
        error = error.orig
    fault: StorageError
    if isinstance(error, sqlite3.Error):
        fault = _of_sqlite(error)
    elif hasattr(error, "sqlstate"):  # psycopg.Error, without importing an optional package
        fault = _of_postgres(error)
    else:
        return error
    fault.__cause__ = error
    return fault


def _of_sqlite(error: sqlite3.Error) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE:
        known = _SQLITE[code]
        return type(known)(*known.args)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return StorageConflict(f"the write contradicts what is stored: {error}")
    if code == sqlite3.SQLITE_IOERR:
        return StorageFull(
            f"the database file cannot be written ({error}): check free space, quota and the disk; "
            "nothing committed is lost"
        )
    return StorageUnavailable(f"SQLite: {error}: check the path and the rights of the database file")


def _of_postgres(error: Exception) -> StorageError:
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("53") and state != "53300":
        return StorageFull(f"the PostgreSQL server is out of room ({_first_line(error)}): free space on its disk")
    if state in ("40001", "40P01", "55P03"):
        return StorageBusy(f"PostgreSQL gave way to another transaction ({_first_line(error)}): try again")
    if state.startswith("23"):
        return StorageConflict(f"the write contradicts what is stored: {_first_line(error)}")
    if not state or state.startswith(("08", "57", "53", "25006")):
        return StorageUnavailable(f"{_UNREACHABLE} ({_first_line(error)})")
    return StorageConflict(f"PostgreSQL refused a statement ({state}): {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
