"""Speech on disk, where Asterisk reads it: shared sayings by their content, private ones for a quarter of an hour.

Blocking: called in a thread.
"""

import contextlib
import hashlib
import os
import secrets
import threading
from collections import deque
from pathlib import Path
from typing import Final

import soundfile

from campaigns.clock import Clock
from media import soundfiles
from media.frames import SAMPLE_RATE_HZ
from media.speech.joining import Samples

_HASH_CHARACTERS: Final = 24
_SWEEP_EVERY: Final = 100


class SpeechCache:
    """WAV files in `folder`, which belongs to one node; seen_as: where Asterisk sees it.

    Of shared files the `most` last used stay. What was said to one caller lives private_life_s in a file with a random
    name, and none outlives the node: they are swept when the cache opens.
    """

    def __init__(
        self, folder: Path, clock: Clock, seen_as: Path | None = None, most: int = 5000, private_life_s: float = 900.0
    ) -> None:
        self._folder = folder.resolve()
        self._private = self._folder / "private"
        self._seen_as = seen_as or self._folder
        self._clock, self._most, self._private_life_s = clock, most, private_life_s
        self._living: deque[tuple[float, Path]] = deque()
        self._lock = threading.Lock()
        self._stored = 0
        self._private.mkdir(parents=True, exist_ok=True)
        # Asterisk reads as another user, whatever the server's umask; what was said to one caller is in no listing.
        self._folder.chmod(0o755)
        self._private.chmod(0o711)
        self._folder.chmod(0o755)  # Asterisk reads it as another user...
        self._private.chmod(0o711)  # ...and needs no list of these
        for stale in self._private.glob("*.wav"):
            stale.unlink(missing_ok=True)

    def uri(self, path: Path) -> str:
        """What `CallControl.play` takes for a file of this cache."""
        return f"sound:{self._seen_as / path.relative_to(self._folder).with_suffix('')}"

    def shared(self, *key: str) -> Path:
        """Where the saying of this key belongs; it may not be there yet."""
        digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:_HASH_CHARACTERS]
        return self._folder / f"{digest}.wav"

    def has(self, path: Path) -> bool:
        """Whether it is there; using it keeps it."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def keep(self, path: Path, samples: Samples) -> None:
        """Store a shared saying; it appears whole or not at all."""
        soundfiles.save(path, samples)
        with self._lock:
            self._stored += 1
            due = self._stored % _SWEEP_EVERY == 0
        if due:
            self._sweep()

    def keep_private(self, samples: Samples) -> Path:
        """Store a saying of one caller under a random name, and forget those whose time is over."""
        self.forget_old()
        path = self._private / f"{secrets.token_hex(16)}.wav"
        # Nobody knows the name yet and no crash has to be survived: no rename, no waiting for the disk.
        soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16")
        path.chmod(0o644)
        with self._lock:
            self._living.append((self._clock.monotonic_s(), path))
        return path

    def forget_old(self) -> None:
        """Remove private sayings older than private_life_s."""
        with self._lock:
            while self._living and self._clock.monotonic_s() - self._living[0][0] > self._private_life_s:
                self._living.popleft()[1].unlink(missing_ok=True)

    def close(self) -> None:
        """Remove every private saying."""
        with self._lock:
            for _, path in self._living:
                path.unlink(missing_ok=True)
            self._living.clear()

    def _sweep(self) -> None:
        used: list[tuple[float, Path]] = []
        for path in self._folder.glob("*.wav"):
            with contextlib.suppress(FileNotFoundError):
                used.append((path.stat().st_mtime, path))
        for _, path in sorted(used)[: max(0, len(used) - self._most)]:
            path.unlink(missing_ok=True)
