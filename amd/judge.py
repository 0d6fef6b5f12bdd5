"""One call's judge: puts tones, speech timing and the clock together and says at most one first verdict per phase."""

from dataclasses import dataclass

from amd.kernels import TONE_CONFIRM_TICKS
from amd.policy import thresholds
from amd.state import Slots
from amd.timing_model import TICK_S, probability_human
from amd.tones.listener import ToneFinding, ToneListener
from amd.verdict import AmdSettings, CallClass, Verdict

MIN_SILENCE_S = 0.4
MACHINE_SPAN_S = 4.0
MUSIC_AFTER_S = 4.2
SETTLE_S = 2.0
GREETING_BEFORE_BEEP_S = 1.0
ANNOUNCEMENT_S = 1.2
_LATER_TONES = frozenset({CallClass.BEEP, CallClass.FAX, CallClass.SIT})
_FINAL = frozenset({CallClass.SIT, CallClass.FAX, CallClass.BUSY, CallClass.RINGBACK})


@dataclass(frozen=True, slots=True)
class Moment:
    """One call as it stands, in seconds of the phase."""

    now_s: float
    answered: bool
    first_speech_s: float | None
    last_speech_s: float
    silence_s: float
    voice_s: float
    bursts: int
    longest_burst_s: float
    longest_pause_s: float
    active_s: float
    in_tone: bool
    probability: float

    @property
    def span_s(self) -> float:
        """From the first to the last speech."""
        return 0.0 if self.first_speech_s is None else self.last_speech_s - self.first_speech_s

    @staticmethod
    def of(record: Slots) -> "Moment":
        """Read a slot's record."""
        first = int(record["first_speech"])
        return Moment(
            now_s=int(record["tick"]) * TICK_S,
            answered=bool(record["answered"]),
            first_speech_s=None if first < 0 else (first - 1) * TICK_S,
            last_speech_s=int(record["last_speech"]) * TICK_S,
            silence_s=int(record["silence_run"]) * TICK_S,
            voice_s=int(record["voice_total"]) * TICK_S,
            bursts=int(record["bursts"]),
            longest_burst_s=int(record["longest_burst"]) * TICK_S,
            longest_pause_s=int(record["longest_pause"]) * TICK_S,
            active_s=int(record["active_total"]) * TICK_S,
            in_tone=int(record["tone_ticks"]) >= TONE_CONFIRM_TICKS,
            probability=probability_human(record) if first >= 0 else 0.5,
        )


class Judge:
    """Decides for one call."""

    def __init__(self, settings: AmdSettings) -> None:
        self.settings = settings
        self.tones = ToneListener(settings.country)
        self.first: Verdict | None = None
        self.probability = 0.5
        self._said: CallClass | None = None
        self._settle_open = False
        self._speech_at_verdict_s = 0.0
        self._early_voice_s = 0.0
        self._tones_told: set[CallClass] = set()

    def begin_answered_phase(self) -> None:
        """The call was answered: everything said before belongs to early media."""
        early = self.first
        if early is not None:
            self._early_voice_s = float(early.evidence.get("voice_s", 0.0))
        self.tones = ToneListener(self.settings.country)
        self.first = None
        self._said = None
        self._settle_open = False
        self._tones_told = set()

    def consider(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        """Look at the call as it stands; return a verdict when one is due."""
        self.probability = moment.probability
        if self.first is not None:
            return self._after_first(moment, finding)
        verdict = self._first_answered(moment, finding) if moment.answered else self._first_early(moment, finding)
        if verdict is not None:
            self.first = verdict
            self._said = verdict.call_class
            self._settle_open = moment.answered
            self._speech_at_verdict_s = moment.voice_s
            self._tones_told.add(verdict.call_class)
        return verdict

    def _first_early(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        if finding is not None and finding.call_class not in (CallClass.RINGBACK, CallClass.BEEP):
            return self._of_finding(moment, finding)
        if moment.voice_s >= ANNOUNCEMENT_S and moment.span_s >= 1.5:
            return self._say(moment, CallClass.MACHINE, 0.95, "announcement before answer")
        return None

    def _first_answered(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        if finding is not None:
            return self._of_finding(moment, finding)
        if moment.first_speech_s is None and not moment.in_tone and not self.tones.holding(moment.now_s):
            return self._without_speech(moment)
        waiting = moment.in_tone or self.tones.holding(moment.now_s)
        if not waiting:
            verdict = self._by_speech(moment)
            if verdict is not None:
                return verdict
        if moment.now_s >= self.settings.deadline_s:
            return self._say(moment, CallClass.UNKNOWN, max(moment.probability, 0.5), "no safe verdict by the deadline")
        return None

    def _without_speech(self, moment: Moment) -> Verdict | None:
        if moment.now_s >= self.settings.silence_s and moment.active_s < 0.25 * moment.now_s:
            return self._say(moment, CallClass.SILENCE, 0.95, "nothing heard")
        if moment.now_s >= self.settings.deadline_s:
            return self._say(moment, CallClass.UNKNOWN, 0.5, "sound, but no speech by the deadline")
        return None

    def _by_speech(self, moment: Moment) -> Verdict | None:
        span_s = moment.span_s
        if (
            moment.active_s >= MUSIC_AFTER_S
            and moment.longest_pause_s < 0.3
            and moment.voice_s < 0.72 * moment.active_s
        ):
            return self._say(moment, CallClass.MUSIC, 0.8, "sound without pauses that is not speech")
        if span_s >= MACHINE_SPAN_S and moment.voice_s >= 0.5 * span_s:
            return self._say(moment, CallClass.MACHINE, 0.97, "talks on for over 4 s")
        limits = thresholds(moment.silence_s, self.settings)
        if moment.silence_s >= MIN_SILENCE_S and moment.voice_s >= 0.08:
            if moment.probability >= limits.human:
                return self._say(moment, CallClass.HUMAN, moment.probability, "short greeting, then waits")
            if moment.probability <= limits.machine:
                return self._say(moment, CallClass.MACHINE, 1 - moment.probability, "long greeting")
        return None

    def _after_first(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        first = self.first
        if first is None or not moment.answered:
            return None
        if finding is not None and self._is_news(finding):
            return self._later(moment, finding.call_class, finding.probability, finding.cause, finding.end_s)
        more_s = moment.voice_s - self._speech_at_verdict_s
        if self._said is CallClass.BEEP and more_s >= 0.3:
            return self._later(moment, CallClass.HUMAN, 0.7, "somebody speaks after the beep")
        if not self._settle_open:
            return None
        if first.call_class in (CallClass.HUMAN, CallClass.UNKNOWN) and more_s >= 1.3:
            return self._later(moment, CallClass.MACHINE, 0.85, "went on talking: probably a machine")
        if moment.now_s - first.since_answer_s >= SETTLE_S:
            return self._later(moment, first.call_class, first.probability, "nothing to the contrary")
        return None

    def _is_news(self, finding: ToneFinding) -> bool:
        if finding.call_class not in _LATER_TONES or self._said in _FINAL:
            return False
        new = finding.call_class not in self._tones_told
        self._tones_told.add(finding.call_class)
        return new

    def _later(
        self, moment: Moment, call_class: CallClass, probability: float, cause: str, tone_end_s: float | None = None
    ) -> Verdict:
        self._settle_open = False
        self._said = call_class
        self._speech_at_verdict_s = moment.voice_s
        return self._say(moment, call_class, probability, cause, settled=True, tone_end_s=tone_end_s)

    def _of_finding(self, moment: Moment, finding: ToneFinding) -> Verdict:
        if finding.call_class is CallClass.BEEP and moment.voice_s >= GREETING_BEFORE_BEEP_S:
            cause = f"{finding.cause} after a greeting"
            return self._say(moment, CallClass.MACHINE, 0.98, cause, tone_end_s=finding.end_s)
        return self._say(moment, finding.call_class, finding.probability, finding.cause, tone_end_s=finding.end_s)

    def _say(
        self,
        moment: Moment,
        call_class: CallClass,
        probability: float,
        cause: str,
        *,
        settled: bool = False,
        tone_end_s: float | None = None,
    ) -> Verdict:
        heard = moment.first_speech_s is not None
        return Verdict(
            call_class=call_class,
            probability=round(min(max(probability, 0.0), 1.0), 4),
            cause=cause,
            since_answer_s=round(moment.now_s, 3),
            since_speech_end_s=round(moment.silence_s, 3) if heard else None,
            early_media=not moment.answered,
            settled=settled,
            tone_end_s=None if tone_end_s is None else round(tone_end_s, 3),
            evidence={
                "probability_human": round(moment.probability, 4),
                "voice_s": round(moment.voice_s, 3),
                "span_s": round(moment.span_s, 3),
                "bursts": moment.bursts,
                "longest_burst_s": round(moment.longest_burst_s, 3),
                "longest_pause_s": round(moment.longest_pause_s, 3),
                "early_voice_s": self._early_voice_s,
            },
        )
