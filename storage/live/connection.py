"""The link to Redis: short timeouts, no blind retry, and a pause after a failure so that nobody queues up behind it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from campaigns.clock import Clock
from storage.errors import LiveStoreDown, StorageError, StorageFull

T = TypeVar("T")
_TIMEOUT_S = 1.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class RedisLink:
    """Runs commands against one Redis. After a failure it says LiveStoreDown at once until a growing pause is over."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # an answer that was lost may have been a `take`: never sent twice
            retry=Retry(NoBackoff(), 0),
        )
        self._clock = clock
        self._pause_s = 0.0
        self._closed_until_s = float("-inf")
        self.failures = 0

    @property
    def up(self) -> bool:
        """Whether the last command was answered."""
        return self._pause_s == 0.0

    async def run(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """Run one command. Raises LiveStoreDown, and StorageFull when Redis refuses to take more."""
        if self._clock.monotonic_s() < self._closed_until_s:
            raise LiveStoreDown("Redis did not answer a moment ago: waiting before the next try; calls go on")
        try:
            answer = await command(self._redis)
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            raise self._fail(error) from error
        except ResponseError as error:
            if str(error).startswith(("OOM", "MISCONF")):
                raise StorageFull(f"Redis refuses writes ({error}): give it memory or disk") from error
            raise StorageError(f"Redis refused a command: {error}") from error
        except RedisError as error:
            raise self._fail(error) from error
        self._pause_s = 0.0
        return answer

    async def execute(self, *words: str | float) -> Any:
        """Run one command given as its words."""
        return await self.run(lambda redis: redis.execute_command(*words))  # type: ignore[no-untyped-call]

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            await self.execute("PING")
        except LiveStoreDown:
            return False
        return True

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _fail(self, error: Exception) -> LiveStoreDown:
        self.failures += 1
        self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._closed_until_s = self._clock.monotonic_s() + self._pause_s
        return LiveStoreDown(
            f"Redis does not answer ({type(error).__name__}): start it or mend its address in the settings; "
            "no business fact is lost, live state is rebuilt when it is back"
        )
