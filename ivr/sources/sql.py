"""Ask a database by one statement with parameters."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ivr.secret import Secret
from ivr.sources.settings import SqlSource
from ivr.values import Fields, PortTrouble, Value

_RECYCLE_S = 600


class SqlAsker:
    """One SQL source. `hide_parameters` keeps values out of errors and logs.

    Its statements run in threads of its own: a database that hangs holds up nobody but those who ask it.
    """

    def __init__(self, source: SqlSource) -> None:
        """Connect at the first question."""
        self._source = source
        self._engine: Engine | None = None
        self._threads = ThreadPoolExecutor(source.connections, f"source-{source.name}")
        self.repeatable = not source.writes
        self._is_sqlite = source.url.get_secret_value().startswith("sqlite")

    async def close(self) -> None:
        """Close connections; a statement that hangs is left to its database."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.dispose)

    async def ask(self, question: Mapping[str, Value | Secret]) -> Fields | None:
        """Ask once. Raises PortTrouble; its message holds no value."""
        missing = sorted(self._source.parameters() - set(question))
        if missing:
            raise PortTrouble(f"source {self._source.name!r} wants :{missing[0]}: give it in the node's `ask:`")
        values = {name: self._plain(question[name]) for name in self._source.parameters()}
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._first_row, values)

    def _first_row(self, values: dict[str, Any]) -> Fields | None:
        try:
            if self._engine is None:
                url = self._source.url.get_secret_value()
                self._engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_recycle=_RECYCLE_S)
            with self._engine.begin() if self._source.writes else self._engine.connect() as connection:
                result = connection.execute(text(self._source.statement), values)
                if not result.returns_rows:
                    return {"rows": result.rowcount}
                row = result.mappings().first()
        except SQLAlchemyError as error:
            raise PortTrouble(f"source {self._source.name!r} failed ({type(error).__name__})") from None
        return None if row is None else {str(name): value for name, value in row.items()}

    def _plain(self, value: Value | Secret) -> Any:
        """As the database's driver takes it. SQLite has no days and hours: they are texts, as its own functions say."""
        if isinstance(value, Secret):
            return value.reveal()
        texts = (Decimal, date, time) if self._is_sqlite else Decimal
        return str(value) if isinstance(value, texts) else value
