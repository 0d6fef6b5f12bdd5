"""Prompts played to simulated channels: one after the other per channel, each a list of sounds."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SoundLength = Callable[[str], float | None]


@dataclass(slots=True)
class Playback:
    """One prompt. media: sound URIs; `now` is the one that is heard."""

    playback_id: str
    channel_id: str
    media: tuple[str, ...]
    index: int = -1
    failed: bool = False
    timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> str:
        """The sound that is heard now."""
        return self.media[self.index]


class Playbacks:
    """The prompts of every channel. length_s: how long a sound lasts, None when there is no such file."""

    def __init__(
        self, length_s: SoundLength, changed: Callable[[str], None], ended: Callable[[Playback], None]
    ) -> None:
        """`changed(channel_id)`: what is heard changed; `ended(playback)`: a prompt ended."""
        self._length_s = length_s
        self._changed = changed
        self._ended = ended
        self._queues: dict[str, list[Playback]] = {}

    def heard_on(self, channel_id: str) -> str | None:
        """The sound that this channel hears now."""
        queue = self._queues.get(channel_id)
        return queue[0].now if queue else None

    def start(self, channel_id: str, media: Sequence[str], playback_id: str) -> None:
        """Play after what is being played already."""
        queue = self._queues.setdefault(channel_id, [])
        queue.append(Playback(playback_id, channel_id, tuple(media)))
        if len(queue) == 1:
            self._next_sound(queue[0])

    def stop(self, playback_id: str) -> None:
        """Stop one prompt; unknown ids do nothing."""
        for queue in list(self._queues.values()):
            for playback in queue:
                if playback.playback_id == playback_id:
                    self._end(playback)
                    return

    def fail_all(self, channel_id: str) -> None:
        """The channel is going: its prompts fail."""
        for playback in self._queues.pop(channel_id, []):
            if playback.timer is not None:
                playback.timer.cancel()
            playback.failed = True
            self._ended(playback)

    def _next_sound(self, playback: Playback) -> None:
        playback.index += 1
        if playback.index == len(playback.media):
            self._end(playback)
            return
        length_s = self._length_s(playback.now)
        playback.failed = length_s is None
        loop = asyncio.get_running_loop()
        # a missing file ends through the loop too: PlaybackEnded never comes before play() returns
        playback.timer = loop.call_later(length_s or 0.0, self._next_sound, playback)
        self._changed(playback.channel_id)

    def _end(self, playback: Playback) -> None:
        queue = self._queues[playback.channel_id]
        was_first = queue[0] is playback
        queue.remove(playback)
        if playback.timer is not None:
            playback.timer.cancel()
        if not queue:
            del self._queues[playback.channel_id]
        self._changed(playback.channel_id)
        self._ended(playback)
        if was_first and queue and self._queues.get(playback.channel_id) is queue:
            self._next_sound(queue[0])
