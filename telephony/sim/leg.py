"""One simulated channel: its state, and its far end going through the script."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from telephony.events import Answered, Arrived, CallEvent, Dtmf, EarlyMedia, HungUp, Ringing
from telephony.port import ChannelInfo
from telephony.sim.far_end import (
    Answer,
    FarEnd,
    HangUp,
    Press,
    Progress,
    Ring,
    Say,
    Step,
    UntilAnswered,
    UntilHeard,
)
from telephony.sim.voice import Voice


@dataclass(frozen=True, slots=True)
class Heard:
    """What a far end heard from `from_s` to `until_s` (monotonic): a media URI or another channel's id."""

    source: str
    from_s: float
    until_s: float


@dataclass(slots=True)
class CallRecord:
    """One flat record per channel: every statistic is computed from these afterwards. Times are monotonic."""

    channel_id: str
    endpoint: str
    far_end: FarEnd
    placed_s: float
    inbound: bool = False
    rang_s: float | None = None
    early_media_s: float | None = None
    answered_s: float | None = None
    ended_s: float | None = None
    q850: int | None = None
    ended_by: str = ""  # "far end", "us", "ring timeout", "restart"
    heard: list[Heard] = field(default_factory=list)


class LegHost(Protocol):
    """What a leg needs from its exchange."""

    def emit(self, event: CallEvent) -> None:
        """Report an event."""
        ...

    def media_changed(self, leg: "SimLeg") -> None:
        """The leg can be heard, or hear, from now on."""
        ...

    def leg_ended(self, leg: "SimLeg") -> None:
        """The leg is gone: called once, before its HungUp is emitted."""
        ...

    def time_s(self) -> float:
        """Monotonic seconds."""
        ...


class SimLeg:
    """A channel. state: "down", "ring" (inbound), "ringing", "up", "gone"."""

    def __init__(self, host: LegHost, record: CallRecord, name: str) -> None:
        """Make a channel that does nothing until `start`."""
        self.record = record
        self.channel_id = record.channel_id
        self.far_end = record.far_end
        self.name = name
        self.created_at_s = record.placed_s
        self.state = "ring" if record.inbound else "down"
        self.bridge_id: str | None = None
        self.voice = Voice(record.far_end.sends_audio)
        self.hearing: dict[str, float] = {}
        self._hears_somebody = False
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._next_step = 0
        self._waiting: UntilAnswered | UntilHeard | None = None
        self._script_timer: asyncio.TimerHandle | None = None
        self._ring_timer: asyncio.TimerHandle | None = None

    def info(self, arrived: Arrived | None) -> ChannelInfo:
        """The channel as the exchange lists it; arrived: when it came in."""
        waits = arrived if self.state == "ring" else None
        return ChannelInfo(self.channel_id, self.name, self.state, self.created_at_s, waits)

    @property
    def can_be_heard(self) -> bool:
        """Whether audio flows from the far end: after 183 or answer."""
        return self.state == "up" or self.record.early_media_s is not None

    def start(self, ring_timeout_s: float | None = None) -> None:
        """Let the far end begin its script."""
        if ring_timeout_s is not None:
            self._ring_timer = self._loop.call_later(ring_timeout_s, self.end, 19, None, "ring timeout")
        self._schedule_next()

    def answer(self) -> None:
        """The call is answered, by the far end or (inbound) by us. Answering twice does nothing."""
        if self.state in ("up", "gone"):
            return
        self.state = "up"
        now_s = self.record.answered_s = self._host.time_s()
        if self._ring_timer is not None:
            self._ring_timer.cancel()
        self.voice.open(now_s)
        self._host.emit(Answered(self.channel_id, now_s))
        self._host.media_changed(self)
        if isinstance(self._waiting, UntilAnswered):
            self._go_on()

    def end(self, q850: int, sip_status: int | None, ended_by: str) -> None:
        """The channel goes. Ending twice does nothing."""
        if self.state == "gone":
            return
        self.state = "gone"
        for timer in (self._script_timer, self._ring_timer):
            if timer is not None:
                timer.cancel()
        now_s = self._host.time_s()
        self.record.ended_s, self.record.q850, self.record.ended_by = now_s, q850, ended_by
        self._host.leg_ended(self)
        self._host.emit(HungUp(self.channel_id, now_s, q850, sip_status, ended_by))

    def hears_now(self, sources: set[str], somebody: bool) -> None:
        """Note what the far end hears from now on: media URIs and channel ids; somebody: a person is among them."""
        if sources == self.hearing.keys():
            return
        self._hears_somebody = somebody
        now_s = self._host.time_s()
        for source in self.hearing.keys() - sources:
            self.record.heard.append(Heard(source, self.hearing.pop(source), now_s))
        for source in sorted(sources - self.hearing.keys()):
            self.hearing[source] = now_s
        if isinstance(self._waiting, UntilHeard):
            self._be_patient(self._waiting)

    def _schedule_next(self) -> None:
        if self._next_step < len(self.far_end.steps):
            step = self.far_end.steps[self._next_step]
            self._next_step += 1
            self._later(step.after_s, self._do, step)

    def _later(self, delay_s: float, then: Callable[..., None], *args: object) -> None:
        self._script_timer = self._loop.call_later(delay_s, then, *args)

    def _do(self, step: Step) -> None:
        match step:
            case Ring():
                self._ring()
            case Progress():
                self._progress()
            case Answer():
                self.answer()
            case Say():
                self.voice.say(self._host.time_s(), step.sound)
                self._later(step.length_s, self._schedule_next)
                return
            case Press():
                self._press(step, 0)
                return
            case HangUp():
                self.end(step.q850, step.sip_status, "far end")
                return
            case UntilAnswered() | UntilHeard():
                self._wait(step)
                return
        self._schedule_next()

    def _ring(self) -> None:
        if self.state == "down":
            self.state = "ringing"
            self.record.rang_s = self._host.time_s()
            self._host.emit(Ringing(self.channel_id, self.record.rang_s))

    def _progress(self) -> None:
        if self.state in ("down", "ringing"):
            now_s = self.record.early_media_s = self._host.time_s()
            self.voice.open(now_s)
            self._host.emit(EarlyMedia(self.channel_id, now_s))
            self._host.media_changed(self)

    def _press(self, step: Press, index: int) -> None:
        if index == len(step.digits):
            self._schedule_next()
            return
        self._host.emit(Dtmf(self.channel_id, self._host.time_s(), step.digits[index], step.duration_ms))
        if self.state != "gone":  # an inbox that overflowed with this digit ends the call
            self._later(step.every_s, self._press, step, index + 1)

    def _wait(self, step: UntilAnswered | UntilHeard) -> None:
        self._waiting = step
        if isinstance(step, UntilHeard):
            self._be_patient(step)
        elif self.state == "up":
            self._go_on()
        else:
            self._later(step.patience_s, self.end, 16, None, "far end")

    def _be_patient(self, step: UntilHeard) -> None:
        if self._script_timer is not None:
            self._script_timer.cancel()
        if self._hears_somebody:
            self._go_on()
        elif not self.hearing:  # a prompt stops the clock: somebody is there
            self._later(step.patience_s, self.end, 16, None, "far end")

    def _go_on(self) -> None:
        self._waiting = None
        if self._script_timer is not None:
            self._script_timer.cancel()
        self._schedule_next()
