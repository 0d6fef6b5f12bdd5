"""The look-ups of walked calls go by sources of the node's own settings: JSON over HTTP, SQL, a Python plugin.

A call takes a *lane*: sources that nobody else asks meanwhile, of one kind (in turn). Before a question goes its way
through settings, circuit breaker, retries and the source itself, the back end behind the lane is made to answer, to be
late or to fail, as the call's world says: rows in a database of its own, that is locked or has lost its table; answers
of an HTTP service, which may hang up; a function that raises.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.flow import Flow
from ivr.given import Answer, Given
from ivr.port import Lookup
from ivr.secret import Secret
from ivr.values import Fields, PortTrouble, Value

KINDS = ("http", "sql", "plugin")
Asks = dict[str, frozenset[str]]
"""The parameters of each source's question."""

_COMMON = "repeatable = true\ntimeout_s = 60\nfailures = 100\n"
_HTTP = 'method = "POST"\nurl = "http://127.0.0.1:{port}/{lane}/ask/{source}"\n' + _COMMON
_SQL = 'url = "sqlite:///{file}?timeout=60"\nstatement = "{statement}"\ntimeout_s = 60\nfailures = 100\n'
_PLUGIN = 'function = "{module}:{source}_{lane}"\n' + _COMMON


def asks_of(flow: Flow) -> Asks:
    """What a flow asks."""
    found: Asks = {}
    for node in flow.nodes.values():
        if source := getattr(node, "source", None):
            ask, method = getattr(node, "ask", None), str(getattr(node, "method", ""))
            found[source] = frozenset(ask) if ask is not None else frozenset({"account", method})
    return found


@dataclass
class Lane:
    """One set of sources. given: the world of the call that has it."""

    name: str
    kind: str
    file: Path
    asks: Asks
    given: Given = field(default_factory=Given)
    _locked: sqlite3.Connection | None = None
    _release: asyncio.TimerHandle | None = None

    def toml(self, port: int, module: str) -> str:
        """Its settings."""
        rest = {"http": _HTTP, "sql": _SQL, "plugin": _PLUGIN}[self.kind]
        place: dict[str, Any] = {"port": port, "lane": self.name, "file": self.file, "module": module}
        return "".join(
            f'[[ivr.sources]]\nkind = "{self.kind}"\nname = "{source}.{self.name}"\n'
            + rest.format(**place, source=source, statement=self._statement(source))
            for source in self.asks
        )

    def _statement(self, source: str) -> str:
        # quoted: a question may be called as SQL's own words are ("order")
        wanted = " AND ".join(f"[{name}] = :{name}" for name in sorted(self.asks[source])) or "1 = 1"
        return f"SELECT * FROM {source} WHERE {wanted}"

    def answer(self, source: str, question: Mapping[str, Any]) -> Answer:
        """What the call's world says."""
        for answer in self.given.lookups.get(source, ()):
            if all(str(question.get(key)) == str(value) for key, value in answer.when.items()):
                return answer
        return Answer()

    def prepare(self, source: str, question: Mapping[str, Value | Secret]) -> None:
        """Make the database hold what this question is to find. Other kinds ask `answer` themselves."""
        if self.kind != "sql":
            return
        asked = {name: _open(value) for name, value in question.items()}
        answer = self.answer(source, asked)
        self._let_go()  # the question before was given up, or is asked again
        with closing(sqlite3.connect(self.file, isolation_level=None, timeout=5.0)) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"DROP TABLE IF EXISTS {source}")
            if not answer.down:
                row = {**asked, **{name: _cell(value) for name, value in (answer.found or {}).items()}}
                columns = ", ".join(f"[{name}]" for name in row)
                database.execute(f"CREATE TABLE {source} ({columns})")
                if answer.found is not None:
                    marks = ", ".join("?" * len(row))
                    database.execute(f"INSERT INTO {source} VALUES ({marks})", list(row.values()))
        if answer.slow_s:
            self._locked = sqlite3.connect(self.file, isolation_level=None)
            self._locked.execute("BEGIN EXCLUSIVE")
            self._release = asyncio.get_running_loop().call_later(answer.slow_s, self._let_go)

    def _let_go(self) -> None:
        """Nobody waits for the database any more."""
        if self._locked is not None and self._release is not None:
            self._release.cancel()
            self._locked.close()
            self._locked = self._release = None


@dataclass
class LaneLookup:
    """`ivr.port.Lookup` of one call: the house's own, by the lane's names."""

    inner: Lookup
    lane: Lane

    def knows(self, source: str) -> bool:
        return self.inner.knows(f"{source}.{self.lane.name}")

    def repeatable(self, source: str) -> bool:
        return self.inner.repeatable(f"{source}.{self.lane.name}")

    async def ask(self, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
        if source not in self.lane.given.lookups:
            raise PortTrouble(f"there is no source {source!r} in this call's world")
        self.lane.prepare(source, question)
        return await self.inner.ask(f"{source}.{self.lane.name}", question)


LANES: dict[str, Lane] = {}
"""For the functions of the plugin, which are imported by name."""


def lanes_of(asks: Asks, count: int, folder: Path, port: int) -> tuple[list[Lane], str]:
    """So many lanes, and the settings that declare them. port: of the HTTP back end. Blocking."""
    if not asks:
        return [], ""
    module = f"walked_{port}"
    lanes = [Lane(f"lane{n}_{port}", KINDS[n % len(KINDS)], folder / f"lane{n}.db", asks) for n in range(count)]
    LANES.update({lane.name: lane for lane in lanes})
    (folder / "plugins").mkdir()
    (folder / "plugins" / f"{module}.py").write_text(_plugin(lanes))
    return lanes, "".join(lane.toml(port, module) for lane in lanes)


def _plugin(lanes: Iterable[Lane]) -> str:
    head = "from tests.support.walk_sources import plugin_answer\n"
    return head + "".join(
        f"\n\nasync def {source}_{lane.name}(question):\n"
        f"    return await plugin_answer({lane.name!r}, {source!r}, question)\n"
        for lane in lanes
        if lane.kind == "plugin"
        for source in lane.asks
    )


async def plugin_answer(lane: str, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
    """What a plugin's function does."""
    answer = LANES[lane].answer(source, {name: _open(value) for name, value in question.items()})
    await asyncio.sleep(answer.slow_s)
    if answer.down:
        raise PortTrouble("the shop is closed for stock-taking")
    found: Fields | None = None if answer.found is None else json.loads(json.dumps(answer.found, default=str))
    return found


def _open(value: Any) -> Any:
    return _cell(value.reveal() if isinstance(value, Secret) else value)


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
