"""Every 20 ms of wall time: one frame of every tapped call, one step of the detector, verdicts to whom they concern."""

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from amd.verdict import AmdSettings, DetectorBank, Verdict
from campaigns.clock import Clock
from media.frames import FRAME_S
from media.taps import TapAudio, TapTick

# After a stall the loop hears at most this many frames at once; older audio would only delay verdicts further.
_CATCH_UP_TICKS = 25


class Witness(Protocol):
    """Somebody who hears what the detector hears, to keep it. Nothing here may block; arrays are valid for the call."""

    def opened(self, slot: int, call_id: str, *, answered: bool) -> None:
        """Listening to a call began on this slot."""
        ...

    def answered(self, slot: int) -> None:
        """The call of this slot was answered now."""
        ...

    def heard(self, tick: TapTick) -> None:
        """One frame of every open tap."""
        ...

    def said(self, slot: int, verdict: Verdict) -> None:
        """The detector judged the call of this slot."""
        ...

    def closed(self, slot: int) -> None:
        """Nobody listens to this slot any more."""
        ...


class Ear:
    """Listens to one call. Leaving the context stops listening."""

    def __init__(self, listening: "Listening", tap_id: str, slot: int) -> None:
        """Made by Listening.open."""
        self._listening = listening
        self._verdicts: asyncio.Queue[tuple[Verdict, float]] = asyncio.Queue()
        self.on_verdict: Callable[[], None] | None = None
        self.told_at_s = 0.0  # when the verdict that was taken last was said, monotonic
        self.tap_id = tap_id
        self.slot = slot

    def __enter__(self) -> Self:
        """Nothing to do: listening began at `open`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.close()

    async def next(self) -> Verdict:
        """Wait for the next verdict on this call: first ones and settled ones, in order."""
        verdict, self.told_at_s = await self._verdicts.get()
        return verdict

    def heard(self) -> Verdict | None:
        """The next verdict if there is one now."""
        if self._verdicts.empty():
            return None
        verdict, self.told_at_s = self._verdicts.get_nowait()
        return verdict

    async def quiet(self, wanted_s: float) -> float:
        """Wait until nobody has spoken for `wanted_s`; for how long nobody has, seconds."""
        while True:
            silence_s = self._listening.silence_s(self)
            if silence_s >= wanted_s:
                return silence_s
            await asyncio.sleep(max(wanted_s - silence_s, FRAME_S))  # it cannot be earlier

    def answered(self, person_odds: float = 0.0) -> None:
        """The call was answered now: deadlines count from here; person_odds: what signalling says of who answered."""
        self._listening.note_answer(self, person_odds)

    def close(self) -> None:
        """Stop listening and free the slot. Closing twice does nothing."""
        self._listening.forget(self)

    def tell(self, verdict: Verdict) -> None:
        """Hand a verdict to whoever waits."""
        self._verdicts.put_nowait((verdict, self._listening.clock.monotonic_s()))
        if self.on_verdict:
            self.on_verdict()


class Listening:
    """The one loop that reads taps and feeds the detector. `run` it in a supervisor."""

    def __init__(self, taps: TapAudio, bank: DetectorBank, clock: Clock, witness: Witness | None = None) -> None:
        """Listen to `taps` with `bank`; `witness` hears it all too."""
        self.taps = taps
        self.bank = bank
        self.clock = clock
        self._witness = witness
        self._ears: dict[int, Ear] = {}
        self._anybody = asyncio.Event()
        self.late_ticks = 0

    def open(self, tap_id: str, settings: AmdSettings, *, answered: bool, call_id: str = "") -> Ear:
        """Start listening to a tap that is about to be connected; call_id: for the witness. Raises TapsExhausted."""
        slot = self.taps.open(tap_id)
        self.bank.open(slot, settings, answered=answered)
        if self._witness:
            self._witness.opened(slot, call_id, answered=answered)
        ear = self._ears[slot] = Ear(self, tap_id, slot)
        self._anybody.set()
        return ear

    @property
    def open_count(self) -> int:
        """How many calls are listened to."""
        return len(self._ears)

    def silence_s(self, ear: Ear) -> float:
        """For how long nobody has spoken on the call of an ear; for ever, when it was closed."""
        return self.bank.silence_s(ear.slot) if self._ears.get(ear.slot) is ear else math.inf

    def note_answer(self, ear: Ear, person_odds: float = 0.0) -> None:
        """The call of an ear was answered now; an ear that was closed already is no error."""
        if self._ears.get(ear.slot) is ear:
            self.bank.answered(ear.slot, person_odds)
            if self._witness:
                self._witness.answered(ear.slot)

    def forget(self, ear: Ear) -> None:
        """Stop listening to an ear."""
        if self._ears.get(ear.slot) is ear:
            del self._ears[ear.slot]
            self.bank.close(ear.slot)
            if self._witness:
                self._witness.closed(ear.slot)
            self.taps.close(ear.tap_id)

    async def run(self) -> None:
        """Tick until cancelled. Sleeps while nobody is listened to: idle lines cost nothing."""
        due_s = self.clock.monotonic_s()
        while True:
            if not self._ears:
                self._anybody.clear()
                await self._anybody.wait()
                due_s = self.clock.monotonic_s()
            due_s = self._tick_until(due_s)
            await asyncio.sleep(max(0.0, due_s - self.clock.monotonic_s()))

    def _tick_until(self, due_s: float) -> float:
        now_s = self.clock.monotonic_s()
        behind = int((now_s - due_s) / FRAME_S)
        if behind > 1:
            self.late_ticks += behind - 1
        if behind > _CATCH_UP_TICKS:
            due_s = now_s - _CATCH_UP_TICKS * FRAME_S
        while due_s <= now_s:
            self._tick()
            due_s += FRAME_S
        return due_s

    def _tick(self) -> None:
        tick = self.taps.read_tick()
        if self._witness:
            self._witness.heard(tick)
        for slot, verdict in self.bank.step(tick.slots, tick.frames, tick.present):
            if ear := self._ears.get(slot):
                if self._witness:
                    self._witness.said(slot, verdict)
                ear.tell(verdict)
