"""The hopper in Redis: a sorted set of lead ids and one of loans; each step is one atomic script."""

from collections.abc import Sequence
from typing import Any

import orjson

from storage.live.connection import RedisLink

_LOAN_S = 30.0
# Redis' own clock times the loans: nodes need not agree about the time
_NOW = "local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000; "
# lists travel as one JSON text: the client takes an array apart element by element, in Python
_PUT = """
local added = 0
for _, lead in ipairs(cjson.decode(ARGV[1])) do
  if not redis.call('ZSCORE', KEYS[2], lead) then
    added = added + redis.call('ZADD', KEYS[1], 'NX', redis.call('INCR', KEYS[3]), lead)
  end
end
return added
"""
_TAKE = (
    _NOW
    + """
for _, lead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[2], lead)
  redis.call('ZADD', KEYS[1], 0, lead)
end
local taken = {}
local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
for i = 1, #popped, 2 do
  redis.call('ZADD', KEYS[2], now + ARGV[2], popped[i])
  taken[#taken + 1] = popped[i]
end
return #taken > 0 and cjson.encode(taken) or '[]'
"""
)


class RedisHopper:
    """`storage.port.Hopper` in Redis. `loan_s`: how long a taken lead may stay unplanned before it comes back."""

    def __init__(self, link: RedisLink, prefix: str = "timbre", loan_s: float = _LOAN_S) -> None:
        self._link = link
        self._prefix = prefix
        self._loan_s = loan_s

    async def put(self, campaign_id: str, lead_ids: Sequence[str]) -> int:
        """Append leads that are neither queued nor on loan."""
        listed = orjson.dumps(list(lead_ids)).decode()
        return int(await self._script(_PUT, campaign_id, listed)) if lead_ids else 0

    async def take(self, campaign_id: str, n: int) -> list[str]:
        """Take up to `n` leads, oldest first; expired loans first of all."""
        if n <= 0:
            return []
        taken: list[str] = orjson.loads(await self._script(_TAKE, campaign_id, n, self._loan_s))
        return taken

    async def done(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        """Forget the loans of these leads."""
        if lead_ids:
            await self._link.execute("ZREM", self._keys(campaign_id)[1], *lead_ids)

    async def size(self, campaign_id: str) -> int:
        """Leads that are queued."""
        return int(await self._link.execute("ZCARD", self._keys(campaign_id)[0]))

    async def members(self, campaign_id: str) -> list[str]:
        """Leads that are queued or on loan."""
        queue, loans, _ = self._keys(campaign_id)
        # in this order: a lead that is taken in between is in both answers, never in none
        queued = await self._link.execute("ZRANGE", queue, 0, -1)
        return [*queued, *await self._link.execute("ZRANGE", loans, 0, -1)]

    async def clear(self, campaign_id: str) -> None:
        """Forget the queue and its loans."""
        await self._link.execute("DEL", *self._keys(campaign_id))

    def _keys(self, campaign_id: str) -> tuple[str, str, str]:
        # the braces keep a campaign's keys on one node of a Redis Cluster
        stem = f"{self._prefix}:hopper:{{{campaign_id}}}"
        return f"{stem}:queue", f"{stem}:loans", f"{stem}:sequence"

    async def _script(self, script: str, campaign_id: str, *arguments: str | float) -> Any:
        keys = self._keys(campaign_id)
        return await self._link.execute("EVAL", script, len(keys), *keys, *arguments)
