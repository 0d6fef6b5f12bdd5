"""What a sequence of tones means: SIT, fax, busy, ringback or a beep. One object per call, asked only about tones."""

import itertools
from dataclasses import dataclass, field

from amd.tones.plans import PROGRESS_BAND_HZ, SIT_KINDS, plan_of
from amd.verdict import CallClass

# E.180 allows 950, 1,400 and 1,800 Hz 50 Hz more or less; some networks (Austria's 1,450 and 1,850) need all of it.
_SIT_LOW_HZ = (890.0, 1010.0)
_SIT_MID_HZ = (1340.0, 1462.0)
_SIT_HIGH_HZ = (1740.0, 1862.0)
_SIT_BANDS_HZ = (_SIT_LOW_HZ, _SIT_MID_HZ, _SIT_HIGH_HZ)
SIT_GAP_S = 0.25
SIT_WAIT_S = 0.12  # after one of its lower tones: the next comes at once, or it was a beep
# Half way between 276 and 380 ms as heard through a 64 ms window: the second tone loses 55 ms to its neighbours.
_SIT_FIRST_LONG_S = 0.32
_SIT_SECOND_LONG_S = 0.27
_E180_HIGH_HZ = 1788.0  # half way between 1,776.7 and 1,800 Hz
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
STANDS_OUT_DB = 7.0  # of the quiet around it: notes of music follow each other without
RING_FALLS_DB = 4.0  # an exchange's tone stays as loud as it is, a string or a bell dies away
RING_PAIR_HZ = 95.0  # 440+480, 400+450, 350+440 Hz
BUSY_PAIR_HZ = (110.0, 170.0)  # 480+620 Hz
SAME_HZ = 25.0
RING_S = (0.33, 0.5)  # of two short rings, 0.4 s each with 0.2 s between
RING_GAP_S = 0.27
PAIR_RING_MIN_S = 0.29  # the same of two tones, which no busy tone is: torn by lost frames it still is a ring
PAIR_RING_GAP_S = 0.33
BEEP_PAIR_MIN_S = 0.2
KEY_MAX_S = 0.35
_KEY_ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
_KEY_COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
TWO_TONES_GAP_S = 0.1
OPENED_S = 0.1  # a tone that sounds already when the path opens may be the end of a longer one


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone, times in seconds of the phase.

    fell_db: how far under its loudest it is now. over_before_db, over_after_db: how far its loudest stands over the
    quietest moment since the tone before (or the start), and over the quietest one since it was heard last.
    """

    low_hz: float
    high_hz: float
    start_s: float
    end_s: float
    spread_hz: float = 0.0
    fell_db: float = 0.0
    over_before_db: float = 96.0
    over_after_db: float = 96.0

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s

    @property
    def was_on(self) -> bool:
        """Whether it sounded when listening began: nobody knows for how long it had."""
        return self.start_s < OPENED_S

    @property
    def after_quiet(self) -> bool:
        """Whether it began out of the quiet."""
        return self.was_on or self.over_before_db >= STANDS_OUT_DB


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

    @property
    def ring_was_on(self) -> bool:
        """Whether the only tone so far was the end of a ring, as it seems: it sounded when listening began."""
        if len(self.tones) != 1:
            return False
        tone = self.tones[0]
        ring = _is_progress(tone) and tone.high_hz - tone.low_hz <= RING_PAIR_HZ and tone.fell_db <= RING_FALLS_DB
        return ring and tone.was_on and tone.over_after_db >= STANDS_OUT_DB

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
        lone = len(self.tones) == 1 and not tone.was_on  # the last of a ring that began before the answer is no beep
        if _is_progress(tone) and tone.low_hz >= BEEP_HZ[0] and waited_s >= max(0.75, tone.seconds + 0.12) and lone:
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
        return ToneFinding(
            CallClass.SIT, 0.995, f"special information tone: {_sit_kind(self.tones[-2], self.tones[-1], tone)}"
        )

    def _torn_information(self, tone: Tone, before: Tone | None = None) -> ToneFinding | None:
        """Two of the three tones, one after the other: the path opened late, or frames were lost. No kind then."""
        if before is None and len(self.tones) > 1:
            before = self.tones[-2]
        if self.after_speech or before is None or not _follow_as_sit(before, tone):
            return None
        return ToneFinding(CallClass.SIT, 0.95, "special information tone: one of its three tones was not heard")

    def _progress(self, tone: Tone) -> ToneFinding | None:
        if not _is_progress(tone) or tone.high_hz - tone.low_hz > RING_PAIR_HZ:
            return None
        if tone.fell_db > RING_FALLS_DB or not tone.after_quiet:
            return None
        ringing_for_s = 0.2 + max(plan_of(self.country).busy.cadence_s[::2])
        if tone.seconds >= max(ringing_for_s, 0.82):
            return ToneFinding(CallClass.RINGBACK, 0.98, f"ringing tone {tone.low_hz:.0f} Hz")
        return None

    def _busy(self, tones: list[Tone]) -> ToneFinding | None:
        if _ring_of_two(tones):
            return ToneFinding(CallClass.RINGBACK, 0.97, "ringing tone, two short rings")
        recent = [tone for tone in tones[-3:] if _is_progress(tone)]
        if len(recent) < 2 or not _same_again(recent):
            return None
        on_s = [tone.seconds for tone in recent]
        off_s = [after.start_s - before.end_s for before, after in itertools.pairwise(recent)]
        if max(off_s) > 0.9 or max(on_s) > 0.85 or min(off_s) < 0.08:
            return None
        if len(recent) < 3 and max(on_s) - min(on_s) > 0.12:
            return None
        period_s = on_s[-1] + off_s[-1]
        country = "US" if _is_busy_pair(recent[-1]) else self.country
        fast = period_s < 0.62 and plan_of(country).busy.cadence_s[0] > 0.3
        return ToneFinding(CallClass.BUSY, 0.98, "congestion tone (fast busy)" if fast else "busy tone")

    def _beep_like(self, tone: Tone) -> bool:
        if _is_progress(tone) and (tone.seconds < LOW_BEEP_MIN_S or tone.spread_hz > LOW_BEEP_STABLE_HZ):
            return False
        return (
            (tone.low_hz == tone.high_hz or _is_beep_pair(tone))
            and _within(tone.low_hz, BEEP_HZ)
            and BEEP_MIN_S <= tone.seconds <= BEEP_MAX_S
            and tone.spread_hz <= BEEP_STABLE_HZ
            and self._out_of_quiet(tone)
            and tone.over_after_db >= STANDS_OUT_DB
        )

    def _out_of_quiet(self, tone: Tone) -> bool:
        """Whether it, or the tone that it follows at once (a beep of two), began out of the quiet."""
        before = next((other for other in reversed(self.tones) if other is not tone), None)
        follows = before is not None and tone.start_s - before.end_s <= TWO_TONES_GAP_S
        return tone.after_quiet or (follows and before is not None and before.after_quiet)

    def _beep(self, tone: Tone) -> ToneFinding | None:
        may_be_sit = _within(tone.low_hz, _SIT_LOW_HZ) or _within(tone.low_hz, _SIT_MID_HZ)
        if not self._beep_like(tone) or _is_progress(tone) or may_be_sit:
            return None
        return self._beep_found(tone)

    def _beep_found(self, tone: Tone) -> ToneFinding:
        self.tones.clear()
        pitch = f"{tone.low_hz:.0f}" + (f"+{tone.high_hz:.0f}" if tone.high_hz > tone.low_hz else "")
        return ToneFinding(CallClass.BEEP, 0.97, f"beep {pitch} Hz, {tone.seconds * 1000:.0f} ms", end_s=tone.end_s)


def _follow_as_sit(*tones: Tone) -> bool:
    """Whether tones come one right after the other and rise through the bands of special information tones."""
    places = [[_within(tone.low_hz, band) for band in _SIT_BANDS_HZ].index(True) for tone in tones if _in_sit(tone)]
    close = all(after.start_s - before.end_s <= SIT_GAP_S for before, after in itertools.pairwise(tones))
    return close and len(places) == len(tones) and all(a < b for a, b in itertools.pairwise(places))


def _in_sit(tone: Tone) -> bool:
    return tone.low_hz == tone.high_hz and any(_within(tone.low_hz, band) for band in _SIT_BANDS_HZ)


def _is_busy_pair(tone: Tone) -> bool:
    return _within(tone.high_hz - tone.low_hz, BUSY_PAIR_HZ)


def _is_beep_pair(tone: Tone) -> bool:
    """Two tones at once, longer than a vowel's two harmonics stay, and no key (Q.23) that somebody presses."""
    key = _near_any(tone.low_hz, _KEY_ROWS_HZ) and _near_any(tone.high_hz, _KEY_COLUMNS_HZ)
    high_enough = tone.low_hz >= BEEP_HZ[0] and PROGRESS_BAND_HZ[1] < tone.high_hz <= BEEP_HZ[1]
    return high_enough and tone.seconds >= (KEY_MAX_S if key else BEEP_PAIR_MIN_S)


def _near_any(value_hz: float, standard_hz: tuple[float, ...]) -> bool:
    return any(abs(value_hz - each) <= 0.018 * each for each in standard_hz)


def _same_again(tones: list[Tone]) -> bool:
    """Whether it is one tone that comes and goes, quiet between, and not a tune."""
    lows = [tone.low_hz for tone in tones]
    fits = all(tone.high_hz == tone.low_hz or _is_busy_pair(tone) for tone in tones)
    return fits and max(lows) - min(lows) <= SAME_HZ and all(tone.after_quiet for tone in tones[1:])


def _ring_of_two(tones: list[Tone]) -> bool:
    """0.4 on, 0.2 off, 0.4 on: the ring of Britain, Australia, India, South Africa... No busy tone has it."""
    if len(tones) < 2 or not all(_is_progress(tone) for tone in tones[-2:]):
        return False
    first, second = tones[-2:]
    gap_s = second.start_s - first.end_s
    alike = abs(first.low_hz - second.low_hz) <= RING_PAIR_HZ and second.after_quiet
    paired = all(0.0 < tone.high_hz - tone.low_hz <= RING_PAIR_HZ for tone in (first, second))
    shortest_s, longest_gap_s = (PAIR_RING_MIN_S, PAIR_RING_GAP_S) if paired else (RING_S[0], RING_GAP_S)
    lengths = all(shortest_s <= tone.seconds <= RING_S[1] for tone in (first, second))
    return alike and lengths and 0.1 <= gap_s <= longest_gap_s


def _sit_kind(first: Tone, second: Tone, third: Tone) -> str:
    if third.low_hz > _E180_HIGH_HZ or abs(first.low_hz - 950.0) < 16:
        return "number or network not available (E.180)"
    key = (
        first.seconds > _SIT_FIRST_LONG_S,
        first.low_hz > 949.5,
        second.seconds > _SIT_SECOND_LONG_S,
        second.low_hz > 1399.5,
    )
    return SIT_KINDS.get(key, "kind not in the table")
