"""What the centre's own calls taught of ring times and early media: counted anew from the attempt log now and then."""

import asyncio
from collections.abc import Collection, Iterable, Iterator

from campaigns.clock import Clock
from campaigns.outcome import Outcome
from dialer.events import EventSink, Trouble
from dialer.ringing import Hint, RingTimes, Signals
from storage.errors import StorageError
from storage.history import History, ScreenedCall

_EVERY_S = 900.0
_DAYS_S = 30 * 86_400.0
_MOST_CALLS = 20_000  # answered ones: of a small team its 30 days, of a large one the last hours
_GIVEN_UP = frozenset({Outcome.MACHINE, Outcome.MESSAGE_LEFT})
# A machine that nobody but AMD heard is one when its sound alone said so: what ring times added must not teach them.
_SURE_OF_MACHINE = 0.05


class LearnedRingTimes:
    """Answers `hint`; `run` in a supervisor counts anew every 15 minutes, dispositions of the last calls included."""

    def __init__(self, history: History, clock: Clock, sink: EventSink, machine_codes: Collection[str]) -> None:
        """Nothing is known before `run`. machine_codes: dispositions by which agents say "a machine"."""
        self.times = RingTimes()
        self._history = history
        self._clock = clock
        self._sink = sink
        self._machine_codes = frozenset(machine_codes)

    def hint(self, signals: Signals) -> Hint:
        """What signalling says of who answered this call."""
        return self.times.hint(signals)

    async def run(self) -> None:
        """Count, and again every 15 minutes. Trouble with the database is told, and what was known stays known."""
        while True:
            try:
                await self.refresh()
            except StorageError as error:
                words = f"ring times are not counted anew, what was learnt of them before holds: {error}"
                self._sink(Trouble(self._clock.now_s(), "amd", words))
            await asyncio.sleep(_EVERY_S)

    async def refresh(self) -> None:
        """Count now. Raises StorageError."""
        self.times = await times_of(self._history, self._clock.now_s(), self._machine_codes)


async def times_of(history: History, now_s: float, machine_codes: Collection[str]) -> RingTimes:
    """Count the last 30 days. Raises StorageError."""
    calls = await history.screened(now_s - _DAYS_S, _MOST_CALLS)
    return await asyncio.to_thread(lambda: RingTimes(known_answerers(calls, machine_codes)))


def known_answerers(calls: Iterable[ScreenedCall], machine_codes: Collection[str]) -> Iterator[tuple[Signals, bool]]:
    """Signals of the calls of which it is known who answered, and whether it was a person.

    An agent's word is best: a machine by its disposition, else whoever talked with an agent is a person. Calls that no
    agent heard count where AMD was sure of a machine by sound alone.
    """
    for call in calls:
        if call.codes & frozenset(machine_codes):
            yield _signals(call), False
        elif call.outcome is Outcome.BRIDGED:
            yield _signals(call), True
        elif call.outcome in _GIVEN_UP and _by_sound(call) <= _SURE_OF_MACHINE:
            yield _signals(call), False


def _by_sound(call: ScreenedCall) -> float:
    said = call.facts.get("amd_probability_by_sound", call.facts.get("amd_probability_human", 1.0))
    return float(said)


def _signals(call: ScreenedCall) -> Signals:
    rang, early = call.facts.get("amd_rang_for_s"), call.facts.get("amd_early_verdict", "")
    if not early and "amd_early_media_for_s" in call.facts:
        early = "sound"
    rang_for_s = None if rang is None else float(rang)
    return Signals(str(call.facts.get("amd_trunk", "")), call.prefix, rang_for_s, str(early))
