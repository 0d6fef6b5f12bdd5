"""SQLAlchemy Core statements compiled once and run on the driver's own cursor.

Compiling, caching and result wrapping of `Connection.execute` cost more than the statement itself here. Columns hold
text, numbers and flags only, so no type needs conversion on the way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ClauseElement

Row = tuple[Any, ...]
Params = Mapping[str, Any]


class Statement:
    """One Core statement with named parameters; compiled at its first use with each dialect."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def clause(self, dialect_name: str) -> ClauseElement:
        """What to compile for a dialect."""
        return self._clause

    def sql(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """The SQL text for the dialect, and the constants that Core took out of it as parameters."""
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled = self.clause(dialect.name).compile(dialect=dialect)
            constants = {name: value for name, value in compiled.params.items() if value is not None}
            known = self._compiled[dialect.name] = (str(compiled), constants)
        return known


class _PerDialect(Statement):
    """A statement that both dialects have, each with a class of its own."""

    def __init__(self, by_dialect: dict[str, ClauseElement]) -> None:
        super().__init__(by_dialect["sqlite"])
        self._by_dialect = by_dialect

    def clause(self, dialect_name: str) -> ClauseElement:
        """What to compile for a dialect."""
        return self._by_dialect[dialect_name]


class InsertIgnore(_PerDialect):
    """An insert that leaves rows alone that are there already."""

    def __init__(self, table: Table) -> None:
        values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c}
        super().__init__(
            {
                "sqlite": sqlite.insert(table).values(values).on_conflict_do_nothing(),
                "postgresql": postgresql.insert(table).values(values).on_conflict_do_nothing(),
            }
        )


class Upsert(_PerDialect):
    """An insert that changes the row of the same primary key, save the columns in `keep`."""

    def __init__(self, table: Table, keep: Sequence[str] = ()) -> None:
        values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c}
        key = [column.name for column in table.primary_key]
        changed = [name for name in values if name not in {*key, *keep}]
        on_sqlite = sqlite.insert(table).values(values)
        on_postgres = postgresql.insert(table).values(values)
        super().__init__(
            {
                "sqlite": on_sqlite.on_conflict_do_update(
                    index_elements=key, set_={name: on_sqlite.excluded[name] for name in changed}
                ),
                "postgresql": on_postgres.on_conflict_do_update(
                    index_elements=key, set_={name: on_postgres.excluded[name] for name in changed}
                ),
            }
        )


class Tx:
    """A running transaction, in a worker thread: what a job uses to read and write."""

    def __init__(self, dialect: Dialect, cursor: Any) -> None:
        self._dialect = dialect
        self._cursor = cursor

    def _execute(self, statement: Statement, params: Params) -> Any:
        sql, constants = statement.sql(self._dialect)
        self._cursor.execute(sql, {**constants, **params} if constants else params)
        return self._cursor

    def run(self, statement: Statement, params: Params) -> int:
        """Execute, and return how many rows were written."""
        return int(self._execute(statement, params).rowcount)

    def one(self, statement: Statement, params: Params) -> Row | None:
        """Execute, and return the first row."""
        row: Row | None = self._execute(statement, params).fetchone()
        return row

    def all(self, statement: Statement, params: Params) -> list[Row]:
        """Execute, and return every row."""
        rows: list[Row] = self._execute(statement, params).fetchall()
        return rows

    def many(self, statement: Statement, rows: Sequence[Params]) -> int:
        """Execute once per row, and return how many rows were written in all."""
        if not rows:
            return 0
        sql, constants = statement.sql(self._dialect)
        self._cursor.executemany(sql, [{**constants, **row} for row in rows] if constants else rows)
        return int(self._cursor.rowcount)
