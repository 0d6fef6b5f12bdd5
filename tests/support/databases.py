"""Real Redis and PostgreSQL for the test session."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telephony.asterisk import ports
from tests.support.servers import accepts, end, scratch_dir, wait_for


class RedisServer:
    """A Redis that keeps nothing on disk: what `kill` takes is lost, as in a crash."""

    def __init__(self, directory: Path) -> None:
        self.port = ports.free_tcp_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL, the same after a restart."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it accepts connections. Blocking, some 10 ms."""
        log = self._directory / "redis.log"
        log.touch()
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._directory, "logfile": log}
        options |= {"save": "", "appendonly": "no"}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        self._process = subprocess.Popen(["redis-server", *words], stdin=subprocess.DEVNULL)
        wait_for(lambda: accepts(self.port), self._process, log)

    def kill(self) -> None:
        """KILL, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it; one that does not run is fine."""
        self._end(signal.SIGTERM)

    def _end(self, signal_number: int) -> None:
        if self._process is not None:
            end(self._process, signal_number)
            self._process = None


@contextmanager
def redis_process() -> Iterator[RedisServer]:
    """A running Redis of one's own, to be killed and started again at will."""
    with scratch_dir("timbre-redis-") as directory:
        server = RedisServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis on a free port; yields its URL."""
    with redis_process() as server:
        yield server.url


def postgres_bin() -> Path:
    """The folder of the newest PostgreSQL's programs (Debian keeps them out of PATH)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL's programs are missing: run `make setup`")
    return found[-1].parent


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of its own on a free port, tuned to forget; yields a SQLAlchemy URL (psycopg)."""
    programs = postgres_bin()
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    with scratch_dir("timbre-pg-", owner="postgres") as directory:
        data, log, port = directory / "data", directory / "postgres.log", ports.free_tcp_port()
        made = [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "timbre", "-A", "trust", "-N", "-E", "UTF8"]
        done = subprocess.run([*made, "--locale=C.UTF-8"], capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr}")
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": directory}
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": 60}
        options = [item for key, value in settings.items() for item in ("-c", f"{key}={value}")]
        with log.open("wb") as output:
            command = [*as_user, str(programs / "postgres"), "-D", str(data), *options]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/")
        try:
            ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, process, log)
            yield f"postgresql+psycopg://timbre@127.0.0.1:{port}/postgres"
        finally:
            end(process, signal.SIGINT)
