"""One call's judge: puts tones, the model's belief and the clock together; at most one first verdict per phase."""

import numpy as np
from numpy.typing import NDArray

from amd.known_prompts import Match
from amd.moment import Moment
from amd.music import LIKELY as LIKELY_MUSIC
from amd.policy import FIRST_PAUSE_TICKS, ROWS, SILENCE_TICKS, Policy
from amd.tones.listener import ToneFinding, ToneListener
from amd.verdict import AmdSettings, CallClass, Verdict

SETTLE_S = 2.0
MIN_VOICE_S = 0.05  # less than that is a click
LOOK_TONE_S = 0.06
LOOK_EARLY_S = 0.2
SPEAKS_ON_S = 1.0  # so much more speech within 2 s of the verdict: a greeting goes on, whatever the model says
SPEAKS_AGAIN_S = 0.3  # so much, and the model thinks so too
DOUBT = 0.2
SPEAKS_AFTER_S = 0.3  # after a beep, or after a screening service went quiet
SCREENING_QUIET_S = 1.5
GREETING_BEFORE_BEEP_S = 1.0
ANNOUNCEMENT_S = 1.2
NEVER_S = 1e9
_LATER_TONES = frozenset({CallClass.BEEP, CallClass.FAX, CallClass.SIT})
_AFTER_SILENCE = frozenset({CallClass.RINGBACK, CallClass.BUSY})
_FINAL = frozenset({CallClass.SIT, CallClass.FAX, CallClass.BUSY})
_PERSON_MAY_FOLLOW = frozenset({CallClass.BEEP, CallClass.SCREENING})
_LISTENS_ON = frozenset({CallClass.RINGBACK, CallClass.SILENCE, CallClass.MUSIC})


class Judge:
    """Decides for one call. It is asked again at `look_at_s`, or after `wake_at_voice_s` of speech."""

    def __init__(self, settings: AmdSettings, policy: Policy) -> None:
        self.settings = settings
        self.policy = policy
        self.look_at_s = 0.0
        self.wake_at_voice_s = NEVER_S
        self._early: dict[str, float | str] = {}
        self._begin()

    def _begin(self) -> None:
        self.tones = ToneListener(self.settings.country)
        self.first: Verdict | None = None
        self._said: CallClass | None = None
        self._confirm_at_s = NEVER_S
        self._voice_then_s = 0.0
        self._tones_told: set[CallClass] = set()
        self.settled = False

    @property
    def model_rests(self) -> bool:
        """Whether the model's belief can change nothing any more."""
        asks = _LISTENS_ON | {CallClass.UNKNOWN, CallClass.HUMAN}
        return self.first is not None and (self.settled or self._said not in asks)

    def asks_for_music(self, moment: Moment) -> bool:
        """Whether it matters now if this is music: before a machine is said, at the deadline, and while it plays on."""
        if self._said is CallClass.MUSIC:
            return moment.evaluated
        late = moment.now_s >= self.settings.deadline_s - 1e-6
        return self.first is None and (
            late or moment.probability <= max(self.policy.machine_pause, self.policy.machine_speech)
        )

    @property
    def limits(self) -> tuple[NDArray[np.float32], tuple[float, float]]:
        """Beliefs worth waking for: at least (by length and silence), a person; at most (pause, speech), a machine."""
        if self.first is not None and self._said is CallClass.HUMAN:
            return np.full((ROWS, SILENCE_TICKS), 2.0, dtype=np.float32), (DOUBT, DOUBT)
        return self.policy.human, (self.policy.machine_pause, self.policy.machine_speech)

    def begin_answered_phase(self) -> None:
        """The call was answered: what was said before belongs to early media."""
        if self.first is not None:
            self._early = {"early_verdict": self.first.call_class.value}
        self._begin()

    def consider(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        """Look at the call as it stands; return a verdict when one is due."""
        if self.first is not None:
            verdict = self._after_first(moment, finding) if moment.answered else None
        elif moment.answered:
            verdict = self._note_first(moment, self._first_answered(moment, finding))
        else:
            verdict = self._note_first(moment, self._first_early(moment, finding))
        self.look_at_s = self._next_look_s(moment)
        self.wake_at_voice_s = self._wake_at_voice_s()
        return verdict

    def _wake_at_voice_s(self) -> float:
        """How much speech is news by itself: a greeting that goes on, somebody after the beep."""
        if self.first is None:
            return NEVER_S
        if self._said in _PERSON_MAY_FOLLOW:
            return self._voice_then_s + SPEAKS_AFTER_S
        doubtful = self._said is CallClass.HUMAN and not self.settled
        return self._voice_then_s + SPEAKS_ON_S if doubtful else NEVER_S

    def recognised(self, moment: Moment, match: Match) -> Verdict | None:
        """A recording everybody knows is playing. Said once; it corrects an earlier verdict."""
        call_class = match.prompt.call_class
        if self._said is call_class or self._said in _FINAL:
            return None
        cause = f"known recording: {match.prompt.name}"
        if self.first is None:
            verdict = self._note_first(moment, self._say(moment, call_class, match.likeness, cause))
        else:
            verdict = self._later(moment, call_class, match.likeness, cause)
        self.look_at_s = self._next_look_s(moment)
        self.wake_at_voice_s = self._wake_at_voice_s()
        return verdict

    def _next_look_s(self, moment: Moment) -> float:
        if moment.in_tone or self.tones.pending(moment.now_s):
            return moment.now_s + LOOK_TONE_S
        if not moment.answered:
            return moment.now_s + LOOK_EARLY_S
        if self.first is None:
            due = (self.settings.silence_s, self.settings.deadline_s)
            return min((at for at in due if at > moment.now_s + 1e-6), default=moment.now_s + LOOK_EARLY_S)
        done = self.settled or self._said in _LISTENS_ON or self._said is CallClass.BEEP
        return NEVER_S if done else self._confirm_at_s

    def _note_first(self, moment: Moment, verdict: Verdict | None) -> Verdict | None:
        if verdict is not None:
            self.first = verdict
            self._said = verdict.call_class
            self._voice_then_s = moment.voice_s
            self._tones_told.add(verdict.call_class)
            self._confirm_at_s = moment.now_s + SETTLE_S
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
        if moment.now_s >= self.settings.deadline_s - 1e-6:
            return self._at_deadline(moment)
        if moment.in_tone or self.tones.holding(moment.now_s):
            return None
        if moment.first_speech_s is None:
            quiet = moment.active_s < 0.25 * moment.now_s
            if quiet and moment.now_s >= self.settings.silence_s - 1e-6:
                return self._nothing_heard(moment, 0.95)
            return None
        return self._by_speech(moment)

    def _at_deadline(self, moment: Moment) -> Verdict:
        if moment.first_speech_s is None:
            if moment.active_s < 0.25 * moment.now_s:
                return self._nothing_heard(moment, 0.9)
            if moment.music >= LIKELY_MUSIC:
                return self._music(moment)
            return self._say(moment, CallClass.UNKNOWN, 0.5, "sound, but no speech by the deadline")
        if moment.music >= LIKELY_MUSIC:
            return self._music(moment)
        if moment.probability <= self.policy.machine_deadline:
            return self._say(moment, CallClass.MACHINE, 1 - moment.probability, "still talking at the deadline")
        waited = moment.silence_ticks >= FIRST_PAUSE_TICKS and moment.voice_s >= MIN_VOICE_S
        if waited and moment.probability >= self.policy.least(moment.span_s, moment.silence_ticks):
            return self._say(moment, CallClass.HUMAN, moment.probability, "a greeting, then quiet up to the deadline")
        return self._say(moment, CallClass.UNKNOWN, 0.5, "no safe verdict by the deadline")

    def _nothing_heard(self, moment: Moment, probability: float) -> Verdict:
        if self.tones.ring_was_on:
            return self._say(moment, CallClass.RINGBACK, 0.8, "the end of a ringing tone, then nothing")
        return self._say(moment, CallClass.SILENCE, probability, "nothing heard")

    def _music(self, moment: Moment) -> Verdict:
        return self._say(moment, CallClass.MUSIC, moment.music, "sound that never rests and is not speech")

    def _by_speech(self, moment: Moment) -> Verdict | None:
        if not moment.evaluated:
            return None
        belief = moment.probability
        if moment.voice_s < MIN_VOICE_S:
            return None
        likely_music = moment.music >= LIKELY_MUSIC
        if likely_music and belief <= max(self.policy.machine_pause, self.policy.machine_speech):
            return self._music(moment)
        long_enough = moment.span_s >= self.policy.machine_from_s
        if moment.silence_ticks < FIRST_PAUSE_TICKS:
            if long_enough and belief <= self.policy.machine_speech:
                return self._say(moment, CallClass.MACHINE, 1 - belief, "talks on like a recording")
            return None
        if belief >= self.policy.least(moment.span_s, moment.silence_ticks, moment.longest_burst_s):
            return self._say(moment, CallClass.HUMAN, belief, "a greeting, then waits for an answer")
        if long_enough and belief <= self.policy.machine_pause:
            return self._say(moment, CallClass.MACHINE, 1 - belief, "a recording's greeting")
        return None

    def _after_first(self, moment: Moment, finding: ToneFinding | None) -> Verdict | None:
        if finding is not None and self._is_news(finding):
            return self._later(moment, finding.call_class, finding.probability, finding.cause, finding.end_s)
        if moment.voice_s < self._voice_then_s:
            self._voice_then_s = 0.0  # a louder talker came: counting began anew
        more_s = moment.voice_s - self._voice_then_s
        if self._said in _PERSON_MAY_FOLLOW and more_s >= SPEAKS_AFTER_S - 1e-6:
            return self._speaks_after(moment)
        if self._said is CallClass.BEEP:
            return None
        if self._said in _LISTENS_ON:
            verdict = self._by_speech(moment) if more_s > 0.0 else None
            if verdict is None or verdict.call_class is self._said:  # music that plays on is no news
                return None
            return self._later(moment, verdict.call_class, verdict.probability, verdict.cause)
        return None if self.settled else self._settle(moment, more_s)

    def _speaks_after(self, moment: Moment) -> Verdict | None:
        """Speech after a beep or a screening service: the latter's own words count only after a long quiet."""
        if self._said is CallClass.BEEP:
            return self._later(moment, CallClass.HUMAN, 0.7, "somebody speaks after the beep")
        if moment.last_pause_s >= SCREENING_QUIET_S:
            return self._later(moment, CallClass.HUMAN, 0.8, "somebody takes the call after the screening")
        self._voice_then_s = moment.voice_s
        return None

    def _settle(self, moment: Moment, more_s: float) -> Verdict | None:
        doubted = moment.evaluated and moment.probability <= DOUBT and more_s >= SPEAKS_AGAIN_S - 1e-6
        if self._said is CallClass.HUMAN and (doubted or more_s >= SPEAKS_ON_S - 1e-6):
            return self._later(moment, CallClass.MACHINE, 0.85, "went on talking: probably a machine")
        if self._said is CallClass.UNKNOWN:
            verdict = self._by_speech(moment)
            if verdict is not None:
                return self._later(moment, verdict.call_class, verdict.probability, verdict.cause)
        if moment.now_s < self._confirm_at_s - 1e-6 or self.first is None:
            return None
        return self._later(moment, self.first.call_class, self.first.probability, "nothing to the contrary")

    def _is_news(self, finding: ToneFinding) -> bool:
        later = _LATER_TONES | _AFTER_SILENCE if self._said is CallClass.SILENCE else _LATER_TONES
        if finding.call_class not in later or self._said in _FINAL or self._said is CallClass.RINGBACK:
            return False
        new = finding.call_class not in self._tones_told
        self._tones_told.add(finding.call_class)
        return new

    def _later(
        self, moment: Moment, call_class: CallClass, probability: float, cause: str, tone_end_s: float | None = None
    ) -> Verdict:
        self.settled = True
        self._said = call_class
        self._voice_then_s = moment.voice_s
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
            evidence=moment.evidence() | self._early,
        )
