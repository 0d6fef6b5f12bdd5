"""Emergency switches and identity locks over SQL."""

from __future__ import annotations

import builtins

import orjson
from sqlalchemy import bindparam, delete, select, update

from storage.flows import StoredSwitch
from storage.sql.database import Database
from storage.sql.schema import emergency_switches, identity_locks
from storage.sql.statement import InsertIgnore, Statement, Tx, Upsert

# A failure nobody followed up is forgotten after a day, whatever lock_s says: flows allow no longer lock.
_FORGET_S = 86_400.0
_PUT = Upsert(emergency_switches)
_SWITCH_FIELDS = tuple(StoredSwitch.__dataclass_fields__)
_REMOVE = Statement(delete(emergency_switches).where(emergency_switches.c.name == bindparam("name")))
_SWITCHES = Statement(
    select(*(emergency_switches.c[name] for name in _SWITCH_FIELDS)).order_by(emergency_switches.c.name)
)

_NEW = InsertIgnore(identity_locks)
_LOCK = Statement(select(identity_locks.c.until_s).where(identity_locks.c.key == bindparam("key")))
_HELD = Statement(  # for update: two nodes that count at once must not lose a failure
    select(identity_locks.c.failures, identity_locks.c.until_s)
    .where(identity_locks.c.key == bindparam("key"))
    .with_for_update()
)
_COUNT = Statement(
    update(identity_locks)
    .where(identity_locks.c.key == bindparam("b_key"))
    .values(failures=bindparam("failures"), until_s=bindparam("until_s"), changed_at_s=bindparam("changed_at_s"))
)
_CLEAR = Statement(delete(identity_locks).where(identity_locks.c.key == bindparam("key")))
_OLD = Statement(
    delete(identity_locks).where(
        identity_locks.c.changed_at_s < bindparam("before_s"), identity_locks.c.until_s < bindparam("before_s")
    )
)


class SqlSwitchStore:
    """`storage.flows.SwitchStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, switch: StoredSwitch) -> None:
        """Switch on, or change what is said."""
        row = {name: getattr(switch, name) for name in _SWITCH_FIELDS}
        await self._database.write(lambda tx: tx.run(_PUT, row), urgent=True)

    async def remove(self, name: str) -> bool:
        """Switch off; False when it was off."""
        return await self._database.write(lambda tx: tx.run(_REMOVE, {"name": name}), urgent=True) > 0

    async def list(self) -> builtins.list[StoredSwitch]:
        """Every switch that is on, by name."""
        return [StoredSwitch(*row) for row in await self._database.read(lambda tx: tx.all(_SWITCHES, {}))]


class SqlLockStore:
    """`storage.flows.LockStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def locked_until_s(self, key: str) -> float | None:
        """Until when the key is locked; may lie in the past."""
        row = await self._database.read(lambda tx: tx.one(_LOCK, {"key": key}))
        return float(row[0]) if row and row[0] else None

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count one failure; whether the key is locked now."""
        return await self._database.write(lambda tx: _count(tx, key, at_s, most, lock_s), urgent=True)

    async def clear(self, key: str) -> None:
        """Forget the failures."""
        await self._database.write(lambda tx: tx.run(_CLEAR, {"key": key}), urgent=True)


def _count(tx: Tx, key: str, at_s: float, most: int, lock_s: float) -> bool:
    tx.run(_OLD, {"before_s": at_s - _FORGET_S})
    tx.run(_NEW, {"key": key, "failures": "[]", "until_s": 0.0, "changed_at_s": at_s})
    row = tx.one(_HELD, {"key": key})
    failures = [moment for moment in orjson.loads(row[0]) if moment > at_s - lock_s] if row else []
    failures.append(at_s)
    locks = len(failures) >= most
    until_s = at_s + lock_s if locks else float(row[1]) if row else 0.0
    kept = orjson.dumps(failures[-most:]).decode()
    tx.run(_COUNT, {"b_key": key, "failures": kept, "until_s": until_s, "changed_at_s": at_s})
    return locks
