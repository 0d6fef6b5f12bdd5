"""One stream of what happens in a node: every listener gets every event, in order, and none holds another up."""

from collections import deque
from collections.abc import Callable, Iterator

from dialer.events import DialerEvent, Trouble

Listener = Callable[[DialerEvent], None]
_KEPT_TROUBLES = 200


class EventHub:
    """Hands events to listeners (which must not block) and keeps the latest troubles for `status`."""

    def __init__(self) -> None:
        """Start without listeners."""
        self._listeners: list[Listener] = []
        self._troubles: deque[Trouble] = deque(maxlen=_KEPT_TROUBLES)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def take(self, event: DialerEvent) -> None:
        """Hand one event on."""
        if isinstance(event, Trouble):
            self._troubles.append(event)
        for listener in tuple(self._listeners):
            listener(event)

    def troubles(self) -> Iterator[Trouble]:
        """The latest troubles, oldest first."""
        yield from self._troubles
