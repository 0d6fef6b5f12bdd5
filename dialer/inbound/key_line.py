"""A caller's channel: what a `Line` follows, and the keys that were pressed."""

import asyncio
from collections import deque
from collections.abc import Sequence

from dialer.line import Line
from dialer.link_watch import LinkWatch
from telephony.errors import LinkDown
from telephony.events import CallEvent, Dtmf
from telephony.port import CallControl

# Type-ahead beyond this is somebody leaning on the keys.
_MOST_KEYS = 64


class KeyLine(Line):
    """Follows one answered channel. keys: pressed and not yet taken, oldest first; pressed: set while there are any."""

    def __init__(self, control: CallControl, channel_id: str, link: LinkWatch) -> None:
        """Follow `channel_id` on `control` once the context is entered."""
        super().__init__(control, channel_id, link)
        self.keys: deque[str] = deque(maxlen=_MOST_KEYS)
        self.pressed = asyncio.Event()

    def take_key(self) -> str:
        """The oldest key. Raises IndexError when there is none."""
        key = self.keys.popleft()
        if not self.keys:
            self.pressed.clear()
        return key

    def forget_keys(self) -> None:
        """Throw away what was pressed."""
        self.keys.clear()
        self.pressed.clear()

    async def key(self, timeout_s: float) -> str:
        """Wait for a key. Raises TimeoutError, LineGone."""
        if not self.keys:
            await self.unless_gone(self.pressed.wait(), timeout_s)
        return self.take_key()

    async def play_until_key(self, media: Sequence[str], playback_id: str) -> bool | None:
        """Play until the end (True), a failure (False) or a key, which stays where it is (None).

        Raises LineGone, LinkDown, RequestRejected.
        """
        playing = asyncio.create_task(self.play(tuple(media), playback_id), name=f"prompt {playback_id}")
        pressed = asyncio.create_task(self.pressed.wait(), name=f"key for {playback_id}")
        try:
            await asyncio.wait((playing, pressed), return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                return playing.result()
            await self.stop(playback_id)
            return None
        finally:
            for task in (playing, pressed):
                task.cancel()
            await asyncio.gather(playing, pressed, return_exceptions=True)

    async def stop(self, playback_id: str) -> None:
        """Stop a prompt; with the link down it goes on, and is over when the link is back."""
        try:
            await self.control.stop_playback(playback_id)
        except LinkDown:
            pass

    def _take(self, event: CallEvent) -> None:
        if isinstance(event, Dtmf) and event.digit:
            self.keys.append(event.digit)
            self.pressed.set()
        super()._take(event)
