"""The stores of a node, open as long as the node is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.settings import DatabaseSettings
from storage.sql.engine import Durability
from storage.sql.store import SqlStorage, open_storage

Stores = SqlStorage


@asynccontextmanager
async def open_stores(url: str, settings: DatabaseSettings | None = None) -> AsyncIterator[Stores]:
    """Open the database, bring its schema up to date, close it at the end. Raises StorageError."""
    durability = Durability(settings.durability if settings else Durability.PROCESS)
    stores = await open_storage(url, durability)
    try:
        yield stores
    finally:
        await stores.close()
