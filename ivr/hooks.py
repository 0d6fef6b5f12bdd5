"""The `Webhooks` port over HTTP: named hooks, signed bodies, another try when nobody answered."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Annotated, Self

import httpx
from pydantic import Field, SecretStr

from campaigns.clock import Clock
from ivr import web
from ivr.fields import Outside, Part
from ivr.secret import Secret
from ivr.signing import signed_headers
from ivr.values import PortTrouble

_PAUSES_S = (0.3, 1.0)  # between the tries: the event's id makes a repeat harmless


class Hook(Part):
    """A receiver. secret: both sides know it."""

    name: Outside
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    secret: Annotated[SecretStr, Field(min_length=16)]
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 3.0


class HttpHooks:
    """Delivers events; an async context manager that closes its connections."""

    def __init__(self, hooks: Iterable[Hook], clock: Clock) -> None:
        """Know the receivers. Raises ValueError for a name declared twice."""
        self._hooks: dict[str, Hook] = {}
        for hook in hooks:
            if hook.name in self._hooks:
                raise ValueError(f"hook {hook.name!r} is declared twice: give one of them another name")
            self._hooks[hook.name] = hook
        self._clock = clock
        self._client = web.client()

    async def __aenter__(self) -> Self:
        """Ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections."""
        await self._client.aclose()

    def names(self) -> frozenset[str]:
        """All names: what the checker takes for known."""
        return frozenset(self._hooks)

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        """Deliver an event: accepted means any 2xx. Raises PortTrouble when no try was accepted."""
        receiver = self._hooks.get(hook)
        if receiver is None:
            raise PortTrouble(f"there is no hook {hook!r}: declare it in the settings under [[ivr.hooks]]")
        trouble = ""
        for pause_s in (0.0, *_PAUSES_S):
            await asyncio.sleep(pause_s)
            trouble = await self._once(receiver, body, event_id)
            if not trouble:
                return
            if trouble.startswith("refused"):
                break
        raise PortTrouble(f"hook {hook!r} {trouble}")

    async def _once(self, receiver: Hook, body: bytes, event_id: str) -> str:
        secret = Secret(receiver.secret.get_secret_value())
        headers = signed_headers(body, event_id, secret, self._clock.now_s())
        try:
            answer = await self._client.post(receiver.url, content=body, headers=headers, timeout=receiver.timeout_s)
        except httpx.HTTPError as error:
            return f"cannot be reached ({type(error).__name__})"
        if answer.is_success:
            return ""
        refused = 400 <= answer.status_code < 500 and answer.status_code not in {408, 429}
        return f"{'refused' if refused else 'answered'} with status {answer.status_code}"
