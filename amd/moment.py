"""One call as it stands: what a judge decides on, in seconds."""

from dataclasses import dataclass

from amd.policy import SILENCE_TICKS
from amd.state import TICK_S, Record
from amd.tones.runs import CONFIRM_TICKS


@dataclass(frozen=True, slots=True)
class Moment:
    """Times in seconds of the phase; `evaluated` when the model looked at this very moment."""

    now_s: float
    answered: bool
    evaluated: bool
    first_speech_s: float | None
    last_speech_s: float
    silence_s: float
    silence_ticks: int
    voice_s: float
    bursts: int
    longest_burst_s: float
    longest_pause_s: float
    last_pause_s: float  # before the burst that is heard now, or was last
    active_s: float
    in_tone: bool
    probability: float
    music: float = 0.0  # P(music)

    @property
    def span_s(self) -> float:
        """From the first to the last speech."""
        return 0.0 if self.first_speech_s is None else self.last_speech_s - self.first_speech_s

    @staticmethod
    def of(record: Record, *, evaluated: bool, music: float = 0.0) -> "Moment":
        """Read a slot's record."""
        first = int(record["first_speech"])
        silence = int(record["silence_run"])
        return Moment(
            now_s=int(record["tick"]) * TICK_S,
            answered=bool(record["answered"]),
            evaluated=evaluated,
            first_speech_s=None if first < 0 else (first - 1) * TICK_S,
            last_speech_s=int(record["last_speech"]) * TICK_S,
            silence_s=silence * TICK_S,
            silence_ticks=min(silence, SILENCE_TICKS - 1),
            voice_s=int(record["voice_total"]) * TICK_S,
            bursts=int(record["bursts"]),
            longest_burst_s=int(record["longest_burst"]) * TICK_S,
            longest_pause_s=int(record["longest_pause"]) * TICK_S,
            last_pause_s=int(record["last_pause"]) * TICK_S,
            active_s=int(record["active_total"]) * TICK_S,
            in_tone=int(record["tone_ticks"]) >= CONFIRM_TICKS,
            probability=float(record["probability"]),
            music=music,
        )

    def evidence(self) -> dict[str, float | str]:
        """The numbers a trace or a plot shows."""
        return {
            "probability_human": round(self.probability, 4),
            "voice_s": round(self.voice_s, 3),
            "span_s": round(self.span_s, 3),
            "bursts": self.bursts,
            "longest_burst_s": round(self.longest_burst_s, 3),
            "longest_pause_s": round(self.longest_pause_s, 3),
        }
