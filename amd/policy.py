"""From a probability to a verdict: thresholds that follow the campaign's cost ratio and fall while it stays quiet."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.state import TICK_S
from amd.verdict import AmdSettings

NORMAL_COST_RATIO = 20.0
SILENCE_TICKS = 101  # thresholds are tabled for 0 to 2 s of silence
FIRST_PAUSE_TICKS = 15
PAUSE_STEP_TICKS = 2
SPEECH_FROM_TICKS = 60
SPEECH_STEP_TICKS = 10
SENTENCE_FROM_S = 1.0
RECORDING_PAUSE_S = 0.5
RECORDING_FROM_S = 2.9  # hardly anybody answers with so much in one breath
SENTENCE_FROM_TICKS = round(SENTENCE_FROM_S / TICK_S)
RECORDING_FROM_TICKS = round(RECORDING_FROM_S / TICK_S)
LENGTHS = 3  # a word or two, a sentence, a recording
# Whoever answers seldom says so much in one breath; recordings do, and are quiet for up to that long before they go on.
BREATH_FROM_S = 2.2
BREATH_WAIT_S = 0.88
BREATH_FROM_TICKS = round(BREATH_FROM_S / TICK_S)
BREATH_ROW = LENGTHS
ROWS = LENGTHS + 1


@dataclass(frozen=True, slots=True)
class Curve:
    """Thresholds at the normal cost ratio, fitted with the model.

    human: (silence in s, least P(person)) points, falling, for what lasted up to `SENTENCE_FROM_S` from its first word
    to its last. machine_pause, machine_speech: greatest P(person) for a machine in a pause and while it talks.
    machine_deadline: what P(person) must be under to say machine at the deadline. machine_from_s: nobody is called a
    machine before that much time from the first word: sentences come first. sentence: like human, for what lasted
    longer (as human when empty): the pause after a recording's first sentence is as long as that after an answer.
    recording: least P(person) of what lasted `RECORDING_FROM_S` and more (as sentence when 0). breath: least P(person)
    in the first `BREATH_WAIT_S` after `BREATH_FROM_S` and more without a pause, whatever the rest asks for.
    """

    human: tuple[tuple[float, float], ...]
    machine_pause: float
    machine_speech: float
    machine_deadline: float = 0.35
    machine_from_s: float = 0.0
    sentence: tuple[tuple[float, float], ...] = ()
    recording: float = 0.0
    breath: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the model file."""
        return {
            "human": [list(point) for point in self.human],
            "machine_pause": self.machine_pause,
            "machine_speech": self.machine_speech,
            "machine_deadline": self.machine_deadline,
            "machine_from_s": self.machine_from_s,
            "sentence": [list(point) for point in self.sentence],
            "recording": self.recording,
            "breath": self.breath,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Curve":
        """From the model file."""
        return Curve(
            _points(data["human"]),
            float(data["machine_pause"]),
            float(data["machine_speech"]),
            float(data["machine_deadline"]),
            float(data["machine_from_s"]),
            _points(data.get("sentence", ())),
            float(data.get("recording", 0.0)),
            float(data.get("breath", 0.0)),
        )


def _points(data: Iterable[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(silence_s), float(least)) for silence_s, least in data)


DEFAULT_CURVE = Curve(
    human=((0.36, 0.97), (0.5, 0.93), (0.8, 0.8), (1.8, 0.6)), machine_pause=0.03, machine_speech=0.02
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A curve moved to one campaign's cost ratio. human: (4, 101) least P(person) by ticks of silence.

    Its rows: three lengths (`lengths`), and what is asked besides of whoever spoke for `BREATH_FROM_S` without a pause.
    """

    human: NDArray[np.float32]
    machine_pause: float
    machine_speech: float
    machine_deadline: float
    machine_from_s: float

    @staticmethod
    def of(settings: AmdSettings, curve: Curve) -> "Policy":
        """The thresholds for a campaign."""
        return _policy(settings.cost_ratio, curve)

    @staticmethod
    def lengths(span_s: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rows of `human` for what lasted that long from the first word to the last (n,)."""
        ticks = np.rint(span_s / TICK_S).astype(np.int64)
        rows: NDArray[np.int64] = (ticks >= SENTENCE_FROM_TICKS).astype(np.int64) + (ticks >= RECORDING_FROM_TICKS)
        return rows

    def least(self, span_s: float, silence_ticks: int, longest_burst_s: float = 0.0) -> float:
        """What P(person) must reach after so much silence, for what lasted `span_s`, the longest breath of it so long.

        Without the breath: what it must reach when there is no more time to wait for what follows.
        """
        ticks = round(span_s / TICK_S)
        row = int(ticks >= SENTENCE_FROM_TICKS) + int(ticks >= RECORDING_FROM_TICKS)
        least = float(self.human[row, silence_ticks])
        if round(longest_burst_s / TICK_S) >= BREATH_FROM_TICKS:
            least = max(least, float(self.human[BREATH_ROW, silence_ticks]))
        return least

    def least_of_many(
        self, span_s: NDArray[np.float32], silence_ticks: NDArray[np.int64], longest_burst_s: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """`least` of many moments (n,)."""
        least = self.human[self.lengths(span_s), silence_ticks]
        breath = np.rint(longest_burst_s / TICK_S) >= BREATH_FROM_TICKS
        return np.where(breath, np.maximum(least, self.human[BREATH_ROW, silence_ticks]), least)


@lru_cache(maxsize=64)
def _policy(cost_ratio: float, curve: Curve) -> Policy:
    sentence = curve.sentence or curve.human
    rows = [_by_silence(curve.human, cost_ratio), _by_silence(sentence, cost_ratio), _by_silence(sentence, cost_ratio)]
    silences_s = np.arange(SILENCE_TICKS) * TICK_S
    if curve.recording:
        rows[2] = np.where(silences_s >= RECORDING_PAUSE_S, _shift(curve.recording, cost_ratio), 2.0)
    breath = _shift(curve.breath, cost_ratio) if curve.breath else 0.0
    rows.append(np.where(silences_s <= BREATH_WAIT_S + 1e-9, breath, 0.0))
    return Policy(
        np.array(rows, dtype=np.float32),
        _shift(curve.machine_pause, cost_ratio),
        _shift(curve.machine_speech, cost_ratio),
        _shift(curve.machine_deadline, cost_ratio),
        curve.machine_from_s,
    )


def _by_silence(points: tuple[tuple[float, float], ...], cost_ratio: float) -> NDArray[np.float64]:
    """The points joined by lines in log-odds, moved to the cost ratio."""
    silences_s = np.arange(SILENCE_TICKS) * TICK_S
    known_s, known = zip(*points, strict=True)
    least = np.interp(silences_s, known_s, [_odds(p) for p in known])
    moved = 1.0 / (1.0 + np.exp(_step(cost_ratio) - least))
    moved[silences_s < known_s[0] - 1e-9] = 2.0  # too early to call anybody a person
    return np.asarray(moved, dtype=np.float64)


def _odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1.0 - 1e-6)
    return math.log(clipped / (1.0 - clipped))


def _step(cost_ratio: float) -> float:
    return 0.5 * math.log(cost_ratio / NORMAL_COST_RATIO)


def _shift(probability: float, cost_ratio: float) -> float:
    """Move a threshold in log-odds: a dearer lost person lowers both: people pass sooner."""
    return 1.0 / (1.0 + math.exp(_step(cost_ratio) - _odds(probability)))
