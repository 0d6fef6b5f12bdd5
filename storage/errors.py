"""What storage can say went wrong.

StorageError
├── StorageBusy          another process holds the database; retryable
├── StorageUnavailable   the database or Redis cannot be reached; retryable
│   └── LiveStoreDown    Redis only: no business fact is lost
├── StorageFull          the disk or the quota is full
├── StorageConflict      the write contradicts what is stored: a bug, or a race that somebody else won
├── SchemaTooNew         the database was made by a newer Timbre
└── BadDatabaseUrl       the address of the database is not one Timbre understands

Every message says how to mend it. A write that failed left nothing behind, with one exception: StorageUnavailable
from PostgreSQL during the commit itself leaves it open; every write of the ports may be repeated with the same ids.
"""


class StorageError(Exception):
    """The root. `retryable`: the same call may succeed later without anybody mending anything."""

    retryable = False


class StorageBusy(StorageError):
    """Another process or a deadlock kept the database for too long."""

    retryable = True


class StorageUnavailable(StorageError):
    """The database server (or file) cannot be reached."""

    retryable = True


class LiveStoreDown(StorageUnavailable):
    """Redis cannot be reached; live state can be rebuilt from SQL when it is back."""


class StorageFull(StorageError):
    """No room left for the database."""


class StorageConflict(StorageError):
    """A write contradicts what is stored."""


class SchemaTooNew(StorageError):
    """The database's schema is newer than this program."""


class BadDatabaseUrl(StorageError):
    """The database address cannot be used."""
