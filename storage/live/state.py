"""Counters, presence and the pacing trace in Redis: shared by nodes, shown on screens, never the truth."""

from collections.abc import Mapping
from typing import Any

from storage.live.connection import RedisLink

_TRACE_LENGTH = 10_000


class RedisLiveState:
    """Small shared facts that may be lost and rebuilt."""

    def __init__(self, link: RedisLink, prefix: str = "timbre") -> None:
        self._link = link
        self._prefix = prefix

    async def count(self, campaign_id: str, changes: Mapping[str, int]) -> None:
        """Add to a campaign's counters."""

        async def job(redis: Any) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                for name, change in changes.items():
                    pipe.hincrby(self._key("counters", campaign_id), name, change)
                await pipe.execute()

        await self._link.run(job)

    async def counters(self, campaign_id: str) -> dict[str, int]:
        """A campaign's counters."""
        found = await self._link.execute("HGETALL", self._key("counters", campaign_id))
        return {name: int(value) for name, value in found.items()}

    async def rebuild_counters(self, campaign_id: str, values: Mapping[str, int]) -> None:
        """Set a campaign's counters to what SQL says, all at once."""
        key = self._key("counters", campaign_id)

        async def job(redis: Any) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.delete(key)
                if values:
                    pipe.hset(key, mapping=dict(values))
                await pipe.execute()

        await self._link.run(job)

    async def beat(self, kind: str, name: str, value: str, ttl_s: float) -> None:
        """Say that a node or agent is there; it is forgotten after `ttl_s` without another beat."""
        await self._link.execute("SET", self._key("presence", f"{kind}:{name}"), value, "PX", int(ttl_s * 1000))

    async def present(self, kind: str, name: str) -> str | None:
        """What the last beat said, or None when it is too long ago."""
        found: str | None = await self._link.execute("GET", self._key("presence", f"{kind}:{name}"))
        return found

    async def trace(self, campaign_id: str, entry: Mapping[str, str | int | float]) -> None:
        """Append a pacing decision to the campaign's trace; about the last 10,000 are kept."""
        words = [word for pair in entry.items() for word in pair]
        await self._link.execute("XADD", self._key("trace", campaign_id), "MAXLEN", "~", _TRACE_LENGTH, "*", *words)

    async def recent_trace(self, campaign_id: str, limit: int = 100) -> list[dict[str, str]]:
        """The latest pacing decisions, newest first."""
        key = self._key("trace", campaign_id)
        found: list[tuple[str, dict[str, str]]] = await self._link.run(
            lambda redis: redis.xrevrange(key, count=limit)  # type: ignore[arg-type,return-value]
        )
        return [fields for _, fields in found]

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}:{kind}:{{{name}}}"
