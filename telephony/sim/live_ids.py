"""The ids of living channels, and Asterisk's idea of when a new one clashes."""

from bisect import bisect_left, insort


class LiveIds:
    """A sorted list of case-folded ids: asking takes a binary search, however many calls are up."""

    def __init__(self) -> None:
        """Nobody is alive."""
        self._folded: list[str] = []

    def clashes(self, channel_id: str) -> bool:
        """Whether a living id begins with this one, case folded (seen on Asterisk 22)."""
        wanted = channel_id.casefold()
        place = bisect_left(self._folded, wanted)
        return place < len(self._folded) and self._folded[place].startswith(wanted)

    def add(self, channel_id: str) -> None:
        """A channel is born."""
        insort(self._folded, channel_id.casefold())

    def remove(self, channel_id: str) -> None:
        """A channel is gone."""
        folded = channel_id.casefold()
        place = bisect_left(self._folded, folded)
        if place < len(self._folded) and self._folded[place] == folded:
            del self._folded[place]
