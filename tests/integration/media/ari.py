"""Just enough ARI for tests of audio: requests over HTTP, and the ids of channels that reached the application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from telephony.asterisk.process import AsteriskInstance

APP = "media-test"


class Ari:
    """A connection to one instance's ARI as application `APP`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()

    async def post(self, path: str, **query: str) -> dict[str, Any]:
        async with self._session.post(f"{self._url}/{path}", params=query) as response:
            text = await response.text()
            assert response.status < 300, f"{path}: {response.status} {text}"
            return dict(await response.json()) if text else {}

    async def delete(self, path: str) -> None:
        async with self._session.delete(f"{self._url}/{path}") as response:
            assert response.status in (204, 404), await response.text()

    async def event(self, kind: str, object_id: str, timeout_s: float = 10) -> dict[str, Any]:
        """Wait for an event of a kind about a channel, playback or recording."""

        def found() -> dict[str, Any] | None:
            for event in self._events:
                names = (event.get(part, {}) for part in ("channel", "playback", "recording"))
                if event["type"] == kind and object_id in {name.get("id", name.get("name")) for name in names}:
                    return event
            return None

        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event

    async def read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            self._events.append(message.json())
            async with self._changed:
                self._changed.notify_all()


@contextlib.asynccontextmanager
async def connected(instance: AsteriskInstance) -> AsyncIterator[Ari]:
    """Connect, and hang everything up afterwards."""
    credentials = instance.credentials
    authorization = aiohttp.encode_basic_auth(credentials.ari_user, credentials.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": authorization}) as session:
        ari = Ari(session, instance.ari_url)
        async with session.ws_connect(f"{instance.ari_url}/events", params={"app": APP}) as socket:
            reader = asyncio.create_task(ari.read(socket), name="ari-reader")
            try:
                yield ari
            finally:
                async with session.get(f"{instance.ari_url}/channels") as response:
                    for channel in await response.json():
                        await ari.delete(f"channels/{channel['id']}")
                await socket.close()
                await reader
