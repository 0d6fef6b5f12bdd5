"""Every far end of the simulated network, offline: whatever the instant at which the path opens, and through A-law."""

from pathlib import Path

import numpy as np
import pytest

from amd.offline import Hearing, hear_many
from amd.verdict import CallClass
from media import soundfiles
from media.g711 import alaw_decode, alaw_encode
from server.demo.behaviours import FAR_ENDS
from server.demo.prompts import Prompt, build_prompts
from telephony.asterisk.installation import Installation

pytestmark = pytest.mark.asterisk

LATE_SAMPLES = (-237, 0, 57, 123, 571, 1372)  # not whole frames; less than none: the first sound is cut off
LISTENED = 12 * 8000


@pytest.fixture(scope="module")
def prompts(asterisk_root: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Prompt]:
    return build_prompts(tmp_path_factory.mktemp("far_ends"), asterisk_root.sounds_dir)


def _heard(prompt: Prompt, chance: np.random.Generator) -> list[Hearing]:
    said = [soundfiles.load(Path(f"{stem}.wav")) for stem in (prompt.greeting, prompt.after)]
    played = np.concatenate(said)[:LISTENED]
    opened = (
        np.concatenate([chance.normal(0, 10, max(0, late)).astype(np.int16), played[max(0, -late) :]])
        for late in LATE_SAMPLES
    )
    return hear_many([alaw_decode(alaw_encode(samples)) for samples in opened])


def test_given_every_far_end_then_it_is_what_it_is_whenever_the_path_opens(prompts: dict[int, Prompt]) -> None:
    chance = np.random.default_rng(3)
    wrong = []
    for code, prompt in prompts.items():
        truth = FAR_ENDS[code].rule.truth
        firsts = [hearing.first for hearing in _heard(prompt, chance)]
        wrong += [
            (code, truth, late, first)
            for late, first in zip(LATE_SAMPLES, firsts, strict=True)
            if first is None or first.call_class is not truth
        ]
    assert len(prompts) >= 50
    assert wrong == []


def test_given_a_voicemail_that_pauses_then_it_is_never_a_person(prompts: dict[int, Prompt]) -> None:
    pausing = max(code for code, end in FAR_ENDS.items() if end.behaviour == "voicemail")
    greeting = soundfiles.load(Path(f"{prompts[pausing].greeting}.wav"))
    calls = [
        np.concatenate([np.zeros(late, dtype=np.int16), (greeting * gain).astype(np.int16)])
        for late in range(0, 1600, 53)
        for gain in (0.25, 1.0)
    ]
    heard = hear_many([alaw_decode(alaw_encode(samples)) for samples in calls])
    assert {hearing.first.call_class for hearing in heard if hearing.first is not None} == {CallClass.MACHINE}
