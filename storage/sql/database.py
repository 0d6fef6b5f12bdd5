"""One database: a writer that commits many callers' writes at once, and readers beside it. No SQL on the event loop.

Group commit: while one transaction is being written, the next writes gather; they are committed together, and every
caller goes on only after that commit. A job that fails takes nobody with it: the group is rolled back and each job
runs again in a transaction of its own. So a job must be a function of its transaction and of values that never change.

Under load, writes that nobody hears wait up to `gather_s` for company; an urgent one (a person is on the line) takes
all that wait along at once. Without load nothing waits.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine

from storage.errors import StorageUnavailable
from storage.sql.engine import is_memory
from storage.sql.faults import translate
from storage.sql.statement import Tx

T = TypeVar("T")
Job = Callable[[Tx], T]
_LARGEST_GROUP = 256
# A transaction costs 0.2 ms of CPU (most of it the way to the thread and back, and pages written again), a write in it
# 0.05 ms. As long as a step of `dialer.launching`, whose rows are one transaction.
GATHER_S = 0.2


class _Failed:
    """The result of a job that raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Database:
    """Runs jobs (functions of a transaction) in worker threads. Use `close()` when done."""

    def __init__(self, engine: Engine, readers: int = 2, gather_s: float = GATHER_S) -> None:
        self._engine = engine
        self._begin = "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "BEGIN"
        self._writer = ThreadPoolExecutor(1, "timbre-sql-write")
        # a database in memory is one connection: its readers stand in the writer's line
        self._readers = self._writer if is_memory(engine) else ThreadPoolExecutor(readers, "timbre-sql-read")
        self._held = threading.local()
        self._connections: list[Any] = []
        self._pending: list[tuple[Job[Any], asyncio.Future[Any]]] = []
        self._gather_s = gather_s
        self._urgent = False
        self._writing = False
        self._written_at_s = float("-inf")
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._closed = False

    async def write(self, job: Job[T], urgent: bool = False) -> T:
        """Run `job` in a transaction; return its result after the commit. Raises StorageError.

        `urgent`: do not wait for other writes.

        When the caller is cancelled meanwhile, the write may still be committed.
        """
        return await self.submit(job, urgent)

    def submit(self, job: Job[T], urgent: bool = False) -> asyncio.Future[T]:
        """As `write`, from whoever has no task to wait in: jobs are run in the order in which they are submitted."""
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._pending.append((job, future))
        if (urgent and not self._urgent) or self._timer is None:
            self._urgent = self._urgent or urgent
            self._schedule(loop)
        return future

    async def read(self, job: Job[T]) -> T:
        """Run a reading `job` against what is committed. Raises StorageError."""
        self._refuse_when_closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, job)

    async def aside(self, work: Callable[[], T]) -> T:
        """Run slow work that is not SQL (reading a caller's iterator) off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def close(self) -> None:
        """Commit what is pending, end the threads and close the connections."""
        if self._closed:
            return
        await self.write(lambda tx: None, urgent=True)  # those before it are committed when this one is
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._shut_down)

    def _shut_down(self) -> None:
        for pool in {self._writer, self._readers}:
            pool.shutdown(wait=True)
        for connection in self._connections:
            connection.close()
        self._engine.dispose()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StorageUnavailable("the database was closed: this is a bug in the order of shutting down")

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that what is pending is written, now or when the last transaction is `gather_s` ago."""
        if self._writing:
            return
        if self._timer is not None:
            self._timer.cancel()
        wait_s = 0.0 if self._urgent else self._written_at_s + self._gather_s - loop.time()
        # even "now" lets the rest of this turn of the loop join
        self._timer = loop.call_later(wait_s, self._flush, loop) if wait_s > 0 else loop.call_soon(self._flush, loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._writing, self._urgent = None, True, False
        group, self._pending = self._pending[:_LARGEST_GROUP], self._pending[_LARGEST_GROUP:]
        running = loop.run_in_executor(self._writer, self._commit, [job for job, _ in group])
        running.add_done_callback(lambda done: self._settle(loop, [future for _, future in group], done))

    def _settle(
        self, loop: asyncio.AbstractEventLoop, waiting: list[asyncio.Future[Any]], done: asyncio.Future[list[Any]]
    ) -> None:
        self._writing, self._written_at_s = False, loop.time()
        fault = asyncio.CancelledError() if done.cancelled() else done.exception()
        results = [_Failed(_as_exception(fault))] * len(waiting) if fault else done.result()
        for future, result in zip(waiting, results, strict=True):
            if future.done():
                continue  # its caller was cancelled
            if isinstance(result, _Failed):
                future.set_exception(result.error)
            else:
                future.set_result(result)
        if self._pending:
            self._schedule(loop)

    # from here on: worker threads

    def _commit(self, jobs: list[Job[Any]]) -> list[Any]:
        if len(jobs) > 1:
            try:
                return self._in_transaction(jobs)
            except StorageUnavailable as error:
                return [_Failed(error)] * len(jobs)
            except Exception:  # whichever job it was: each gets its own transaction and its own error below
                pass
        return [self._alone(job) for job in jobs]

    def _alone(self, job: Job[Any]) -> Any:
        try:
            return self._in_transaction([job])[0]
        except Exception as error:  # handed to the one caller whose job it is
            return _Failed(error)

    def _in_transaction(self, jobs: list[Job[Any]]) -> list[Any]:
        with self._cursor() as cursor:
            cursor.execute(self._begin)
            tx = Tx(self._engine.dialect, cursor)
            try:
                results = [job(tx) for job in jobs]
                cursor.execute("COMMIT")
            except BaseException:
                self._roll_back(cursor)
                raise
            return results

    def _roll_back(self, cursor: Any) -> None:
        # SQLite has rolled back by itself after some faults (disk full), and a lost server has no transaction left
        try:
            cursor.execute("ROLLBACK")
        except Exception as error:
            if "no transaction" not in str(error) and not isinstance(translate(error), StorageUnavailable):
                raise

    def _read(self, job: Job[T]) -> T:
        with self._cursor() as cursor:
            return job(Tx(self._engine.dialect, cursor))

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor on this thread's connection; a lost connection is dropped, so that the next job opens a new one."""
        try:
            cursor = self._connection().cursor()
            try:
                yield cursor
            finally:
                cursor.close()
        except Exception as error:
            fault = translate(error)
            if isinstance(fault, StorageUnavailable):
                self._drop_connection()
            if fault is error:
                raise
            raise fault from error

    def _connection(self) -> Any:
        held = getattr(self._held, "connection", None)
        if held is None:
            held = self._engine.raw_connection()
            if self._engine.dialect.name == "postgresql":
                held.driver_connection.autocommit = True  # type: ignore[union-attr]
            self._held.connection = held
            self._connections.append(held)
        return held

    def _drop_connection(self) -> None:
        held = getattr(self._held, "connection", None)
        if held is not None and not is_memory(self._engine):
            self._held.connection = None
            self._connections.remove(held)
            held.invalidate()


def _as_exception(fault: BaseException) -> Exception:
    if isinstance(fault, Exception):
        return fault
    return StorageUnavailable("the writer was stopped before it could write: the server is shutting down")
