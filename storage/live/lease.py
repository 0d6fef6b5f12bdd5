"""Fenced leases in Redis: one leader per campaign, and a number that only grows, so an old leader can be refused."""

from storage.live.connection import RedisLink

_TAKE = """
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('HGET', KEYS[1], 'fence'))
end
if holder then return 0 end
local fence = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fence', fence)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return fence
"""
_GIVE_BACK = "if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisLeases:
    """Leases by name. The holder renews by taking again well before `ttl_s` is over."""

    def __init__(self, link: RedisLink, prefix: str = "timbre") -> None:
        self._link = link
        self._prefix = prefix

    async def take(self, name: str, holder: str, ttl_s: float) -> int | None:
        """Take or renew; return the fence (greater than that of every earlier holder), None when another holds it."""
        keys = self._keys(name)
        words = ("EVAL", _TAKE, 2, *keys, holder, int(ttl_s * 1000))
        return int(await self._link.execute(*words)) or None

    async def give_back(self, name: str, holder: str) -> bool:
        """Give the lease back; False when this holder had it no more."""
        words = ("EVAL", _GIVE_BACK, 1, self._keys(name)[0], holder)
        return bool(await self._link.execute(*words))

    def _keys(self, name: str) -> tuple[str, str]:
        # the counter outlives the lease, or a new leader could get an old number
        return f"{self._prefix}:lease:{{{name}}}", f"{self._prefix}:fence:{{{name}}}"
