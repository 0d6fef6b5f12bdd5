"""A model of few numbers: how long people and machines talk before they stop. Used where no trained model is given."""

import math

from amd.state import Slots

TICK_S = 0.02


def probability_human(record: Slots) -> float:
    """P(person) from the timing of one call's speech.

    People say a word, two, or a sentence and wait; machines talk on (Asterisk's AMD() rests on the same fact).
    """
    span_s = (int(record["last_speech"]) - int(record["first_speech"]) + 1) * TICK_S
    silence_s = int(record["silence_run"]) * TICK_S
    log_odds = 5.0 - 2.2 * max(0.0, span_s - 0.8) - 0.5 * max(0, int(record["bursts"]) - 2)
    log_odds += 1.8 * max(0.0, silence_s - 0.5)
    return 1.0 / (1.0 + math.exp(-log_odds))
