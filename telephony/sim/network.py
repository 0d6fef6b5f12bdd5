"""Which far end answers at which dial string."""

from collections.abc import Callable

from telephony.sim.far_end import FarEnd

Maker = Callable[[str], FarEnd | None]


class Network:
    """A number plan: exact dial strings or numbers first, then `default`, then nobody (the endpoint is unknown)."""

    def __init__(self, default: Maker | FarEnd | None = None) -> None:
        """`default`: a far end for every other dial string, or a function of the dial string."""
        self._default = default
        self._far_ends: dict[str, FarEnd | Maker] = {}

    def put(self, number: str, far_end: FarEnd | Maker) -> None:
        """Let `far_end` answer at a whole dial string ("PJSIP/+34600@carrier") or at its number ("+34600")."""
        self._far_ends[number] = far_end

    def at(self, endpoint: str) -> FarEnd | None:
        """The far end at a dial string, or None."""
        number = endpoint.partition("/")[2].partition("@")[0]
        found = self._far_ends.get(endpoint) or self._far_ends.get(number) or self._default
        return found if found is None or isinstance(found, FarEnd) else found(endpoint)
