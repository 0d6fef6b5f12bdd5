"""What a sequence of tones means: SIT, fax, busy, ringback or a beep. One object per call, asked only about tones."""

import itertools
from dataclasses import dataclass, field

from amd.tones.plans import PROGRESS_BAND_HZ, SIT_KINDS, plan_of
from amd.verdict import CallClass

_SIT_LOW_HZ = (895.0, 1005.0)
_SIT_MID_HZ = (1350.0, 1450.0)
_SIT_HIGH_HZ = (1755.0, 1822.0)
_SIT_BANDS_HZ = (_SIT_LOW_HZ, _SIT_MID_HZ, _SIT_HIGH_HZ)
SIT_GAP_S = 0.25
SIT_WAIT_S = 0.12  # after one of its lower tones: the next comes at once, or it was a beep
# Half way between 276 and 380 ms as heard through a 64 ms window: the second tone loses 55 ms to its neighbours.
_SIT_FIRST_LONG_S = 0.32
_SIT_SECOND_LONG_S = 0.27
_E180_HZ = (950.0, 1400.0)
BEEP_HZ = (390.0, 2050.0)
BEEP_MIN_S = 0.10
BEEP_MAX_S = 1.6
BEEP_STABLE_HZ = 25.0
LOW_BEEP_MIN_S = 0.18  # where vowels have their strongest harmonic, more is asked of a beep
LOW_BEEP_STABLE_HZ = 5.0
SPEECH_TONE_S = 0.35
SPEECH_SPREAD_HZ = 12.0
PENDING_S = 1.0
FORGET_S = 5.0  # the longest pause in a ringing cadence


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone, times in seconds of the phase."""

    low_hz: float
    high_hz: float
    start_s: float
    end_s: float
    spread_hz: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class ToneFinding:
    """What the tones of a call mean."""

    call_class: CallClass
    probability: float
    cause: str
    end_s: float | None = None


def _within(value: float, band: tuple[float, float]) -> bool:
    return band[0] <= value <= band[1]


def _is_progress(tone: Tone) -> bool:
    low, high = PROGRESS_BAND_HZ
    return low <= tone.low_hz <= high and tone.high_hz <= high


@dataclass(slots=True)
class ToneListener:
    """Follows the tones of one call."""

    country: str = "ES"
    tones: list[Tone] = field(default_factory=list)
    after_speech: bool = False  # a beep of two tones ends a greeting; what comes first may be an announcement cut short

    def holding(self, now_s: float) -> bool:
        """Whether a tone was heard so recently that the speech model should wait for its meaning."""
        if not self.tones:
            return False
        last = self.tones[-1]
        patience_s = 0.9 if _is_progress(last) else 0.35
        return now_s - last.end_s < patience_s

    def pending(self, now_s: float) -> bool:
        """Whether waiting alone may still tell what the last tone was (see `quiet`)."""
        return bool(self.tones) and now_s - self.tones[-1].end_s < PENDING_S

    def going_on(self, tone: Tone) -> ToneFinding | None:
        """A tone is sounding since `start_s`; what is sure already."""
        return self._fax(tone) or self._special_information(tone) or self._progress(tone)

    def ended(self, tone: Tone) -> ToneFinding | None:
        """A tone ended at `end_s`."""
        if _is_progress(tone) and tone.seconds < SPEECH_TONE_S and tone.spread_hz > SPEECH_SPREAD_HZ:
            return None  # a vowel: it wanders
        self.tones = [before for before in self.tones if tone.start_s - before.end_s < FORGET_S]
        self.tones.append(tone)
        del self.tones[:-8]
        return self._calling_fax(tone) or self._busy(self.tones) or self._beep(tone)

    def quiet(self, now_s: float) -> ToneFinding | None:
        """No tone now: what the wait since the last one tells (a lone low tone was a beep after all)."""
        if not self.tones:
            return None
        tone = self.tones[-1]
        waited_s = now_s - tone.end_s
        if (_within(tone.low_hz, _SIT_LOW_HZ) or _within(tone.low_hz, _SIT_MID_HZ)) and waited_s >= SIT_WAIT_S:
            return self._torn_information(tone) or (self._beep_found(tone) if self._beep_like(tone) else None)
        if _is_progress(tone) and tone.low_hz >= BEEP_HZ[0] and waited_s >= 0.75 and len(self.tones) == 1:
            return self._beep_found(tone) if self._beep_like(tone) else None
        return None

    def _fax(self, tone: Tone) -> ToneFinding | None:
        if abs(tone.low_hz - 2100) < 25 and tone.seconds >= 0.5:
            return ToneFinding(CallClass.FAX, 0.99, "fax or modem answer tone (CED 2100 Hz)")
        return None

    def _calling_fax(self, tone: Tone) -> ToneFinding | None:
        """T.30: 1,100 Hz for 0.5 s. Beeps lie there too: only a tone of just that pitch and length is a fax."""
        if abs(tone.low_hz - 1100) <= 10 and 0.44 <= tone.seconds <= 0.56:
            return ToneFinding(CallClass.FAX, 0.9, "calling fax tone (CNG 1100 Hz)")
        return None

    def _special_information(self, tone: Tone) -> ToneFinding | None:
        if not self.tones or tone.seconds < 0.1 or not _within(tone.low_hz, _SIT_HIGH_HZ):
            return None
        if len(self.tones) < 2 or not _follow_as_sit(*self.tones[-2:], tone):
            return self._torn_information(tone, self.tones[-1])
        return ToneFinding(CallClass.SIT, 0.995, f"special information tone: {_sit_kind(*self.tones[-2:])}")

    def _torn_information(self, tone: Tone, before: Tone | None = None) -> ToneFinding | None:
        """Two of the three tones, one after the other: the path opened late, or frames were lost. No kind then."""
        if before is None and len(self.tones) > 1:
            before = self.tones[-2]
        if self.after_speech or before is None or not _follow_as_sit(before, tone):
            return None
        return ToneFinding(CallClass.SIT, 0.95, "special information tone: one of its three tones was not heard")

    def _progress(self, tone: Tone) -> ToneFinding | None:
        if not _is_progress(tone):
            return None
        ringing_for_s = 0.2 + max(plan_of(self.country).busy.cadence_s[::2])
        if tone.seconds >= max(ringing_for_s, 0.82):
            return ToneFinding(CallClass.RINGBACK, 0.98, f"ringing tone {tone.low_hz:.0f} Hz")
        return None

    def _busy(self, tones: list[Tone]) -> ToneFinding | None:
        recent = [tone for tone in tones[-3:] if _is_progress(tone)]
        if len(recent) < 2:
            return None
        on_s = [tone.seconds for tone in recent]
        off_s = [after.start_s - before.end_s for before, after in itertools.pairwise(recent)]
        if max(off_s) > 0.9 or max(on_s) > 0.85 or min(off_s) < 0.08:
            return None
        if _british_ring(recent):
            return ToneFinding(CallClass.RINGBACK, 0.97, "ringing tone, two short rings")
        if len(recent) < 3 and max(on_s) - min(on_s) > 0.12:
            return None
        period_s = on_s[-1] + off_s[-1]
        country = "US" if recent[-1].high_hz - recent[-1].low_hz > 100 else self.country
        fast = period_s < 0.62 and plan_of(country).busy.cadence_s[0] > 0.3
        return ToneFinding(CallClass.BUSY, 0.98, "congestion tone (fast busy)" if fast else "busy tone")

    def _beep_like(self, tone: Tone) -> bool:
        if _is_progress(tone) and (tone.seconds < LOW_BEEP_MIN_S or tone.spread_hz > LOW_BEEP_STABLE_HZ):
            return False
        return (
            tone.low_hz == tone.high_hz
            and _within(tone.low_hz, BEEP_HZ)
            and BEEP_MIN_S <= tone.seconds <= BEEP_MAX_S
            and tone.spread_hz <= BEEP_STABLE_HZ
        )

    def _beep(self, tone: Tone) -> ToneFinding | None:
        may_be_sit = _within(tone.low_hz, _SIT_LOW_HZ) or _within(tone.low_hz, _SIT_MID_HZ)
        if not self._beep_like(tone) or _is_progress(tone) or may_be_sit:
            return None
        return self._beep_found(tone)

    def _beep_found(self, tone: Tone) -> ToneFinding:
        self.tones.clear()
        return ToneFinding(
            CallClass.BEEP, 0.97, f"beep {tone.low_hz:.0f} Hz, {tone.seconds * 1000:.0f} ms", end_s=tone.end_s
        )


def _follow_as_sit(*tones: Tone) -> bool:
    """Whether tones come one right after the other and rise through the bands of special information tones."""
    places = [[_within(tone.low_hz, band) for band in _SIT_BANDS_HZ].index(True) for tone in tones if _in_sit(tone)]
    close = all(after.start_s - before.end_s <= SIT_GAP_S for before, after in itertools.pairwise(tones))
    return close and len(places) == len(tones) and all(a < b for a, b in itertools.pairwise(places))


def _in_sit(tone: Tone) -> bool:
    return tone.low_hz == tone.high_hz and any(_within(tone.low_hz, band) for band in _SIT_BANDS_HZ)


def _british_ring(tones: list[Tone]) -> bool:
    """0.4 on, 0.2 off, 0.4 on of a pair of tones (or one wavering peak)."""
    first, second = tones[-2:]
    gap_s = second.start_s - first.end_s
    paired = first.spread_hz > 4 or first.high_hz > first.low_hz
    return 0.1 <= gap_s <= 0.3 and all(0.3 <= tone.seconds <= 0.5 for tone in (first, second)) and paired


def _sit_kind(first: Tone, second: Tone) -> str:
    if abs(first.low_hz - _E180_HZ[0]) < 16:
        return "number or network not available (E.180)"
    key = (
        first.seconds > _SIT_FIRST_LONG_S,
        first.low_hz > 949.5,
        second.seconds > _SIT_SECOND_LONG_S,
        second.low_hz > 1399.5,
    )
    return SIT_KINDS.get(key, "kind not in the table")
