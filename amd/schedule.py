"""When the model is asked, and which calls their judge must look at: most ticks of most calls need neither."""

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.policy import (
    BREATH_FROM_TICKS,
    BREATH_ROW,
    FIRST_PAUSE_TICKS,
    PAUSE_STEP_TICKS,
    RECORDING_FROM_TICKS,
    SENTENCE_FROM_TICKS,
    SILENCE_TICKS,
    SPEECH_FROM_TICKS,
    SPEECH_STEP_TICKS,
)
from amd.state import Slots
from amd.tones.runs import NOTHING


@compiled
def due_for_model(slots: NDArray[np.int64], state: Slots, due: NDArray[np.bool_]) -> None:
    """Mark the calls whose features are worth a look now: in pauses from 0.3 s on, and now and then in long speech."""
    for i in range(slots.shape[0]):
        record = state[slots[i]]
        due[i] = False
        if not record.open or not record.answered or record.model_rests or record.first_speech < 0:
            continue
        if record.in_tone or record.voice_total == record.voice_known:
            continue
        silence = record.quiet_run
        if silence >= FIRST_PAUSE_TICKS and silence < SILENCE_TICKS:
            due[i] = (silence - FIRST_PAUSE_TICKS) % PAUSE_STEP_TICKS == 0
        elif record.silence_run == 0:
            span = record.last_speech - record.first_speech + 1
            due[i] = span >= SPEECH_FROM_TICKS and span % SPEECH_STEP_TICKS == 0


@compiled
def wants_judge(
    slots: NDArray[np.int64],
    evaluated: NDArray[np.bool_],
    events: NDArray[np.int8],
    state: Slots,
    human: NDArray[np.float32],
    machine: NDArray[np.float32],
    wanted: NDArray[np.bool_],
) -> None:
    """Mark the calls with news: a tone, a probability past a threshold, a time or an amount of speech it asked for.

    human (capacity, 4, 101): least P(person) by ticks of silence, see `Policy`; machine (capacity, 2): greatest, in
    pauses, in speech.
    """
    for i in range(slots.shape[0]):
        slot = slots[i]
        record = state[slot]
        wanted[i] = False
        if not record.open:
            continue
        news = record.tick >= record.look_at or record.voice_total >= record.wake_at_voice
        if events[i] != NOTHING or news:
            wanted[i] = True
        elif evaluated[i]:
            silence = min(record.quiet_run, SILENCE_TICKS - 1)
            if silence >= FIRST_PAUSE_TICKS:
                span = record.last_speech - record.first_speech + 1
                length = int(span >= SENTENCE_FROM_TICKS) + int(span >= RECORDING_FROM_TICKS)
                least = human[slot, length, silence]
                if record.longest_burst >= BREATH_FROM_TICKS:
                    least = max(least, human[slot, BREATH_ROW, silence])
                wanted[i] = record.probability >= least or record.probability <= machine[slot, 0]
            else:
                wanted[i] = record.probability <= machine[slot, 1]
