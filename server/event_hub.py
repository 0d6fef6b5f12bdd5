"""One stream of what happens in a node: every listener gets its events, in order, and none holds another up."""

from collections import deque
from collections.abc import Callable, Iterator

from dialer.events import DialerEvent, Trouble

Listener = Callable[[DialerEvent], None]
_KEPT_TROUBLES = 200


class EventHub:
    """Hands events to listeners (which must not block) and keeps the latest troubles for `status`."""

    def __init__(self) -> None:
        """Start without listeners."""
        self._listeners: list[tuple[Listener, tuple[type[DialerEvent], ...]]] = []
        self._hearers: dict[type[DialerEvent], tuple[Listener, ...]] = {}  # found once for each kind of event
        self._troubles: deque[Trouble] = deque(maxlen=_KEPT_TROUBLES)

    def listen(self, listener: Listener, *kinds: type[DialerEvent]) -> Callable[[], None]:
        """Hear every event of these kinds (of all, when none is named) from now on; call the result to stop.

        Every call makes several events: who names kinds is not called for the others.
        """
        entry = (listener, kinds or (DialerEvent,))
        self._listeners.append(entry)
        self._hearers.clear()

        def stop() -> None:
            self._listeners.remove(entry)
            self._hearers.clear()

        return stop

    def take(self, event: DialerEvent) -> None:
        """Hand one event on."""
        kind = type(event)
        hearers = self._hearers.get(kind)
        if hearers is None:
            hearers = tuple(listener for listener, kinds in self._listeners if issubclass(kind, kinds))
            self._hearers[kind] = hearers
        if kind is Trouble:
            self._troubles.append(event)  # type: ignore[arg-type]
        for listener in hearers:
            listener(event)

    def troubles(self) -> Iterator[Trouble]:
        """The latest troubles, oldest first."""
        yield from self._troubles
