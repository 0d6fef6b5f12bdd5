"""The music model: a logistic regression on tracks and talk sent through the same lines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from amd import music
from amd.bank import AmdBank
from amd.known_prompts import KnownPrompts
from amd.model import Undecided
from amd.music import MusicModel
from amd.offline import frames_of
from amd.training.calls import Answer, Call, Recipe
from amd.training.clips import Clip, of_kind
from amd.verdict import AmdSettings, CallClass
from media.frames import SAMPLE_RATE_HZ

_ASKED_AT = (150, 195, 246)  # ticks since answer
_BATCH = 128


def fit_music(clips: Sequence[Clip], seed: int, *, each: int = 160) -> MusicModel | None:
    """Fit on `each` calls per track and as many of talk; None when there are no tracks."""
    from sklearn.linear_model import LogisticRegression

    tracks = [clip for clip in of_kind(clips, "moh") if clip.seconds > 9]
    if not tracks:
        return None
    chance = np.random.default_rng(seed)
    recipe = Recipe(clips, chance, training=True)
    calls = [_music_call(track, recipe, chance) for track in tracks for _ in range(each)]
    talk = len(calls)
    calls += [recipe.call(recipe.person() if k % 5 == 0 else recipe.machine(), recipe.line()) for k in range(talk)]
    rows, labels = _heard(calls)
    middle, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    fitted = LogisticRegression(C=0.1, max_iter=500).fit((rows - middle) / scale, labels)
    weights = fitted.coef_[0] / scale
    return MusicModel(tuple(float(w) for w in weights), float(fitted.intercept_[0] - np.dot(weights, middle)))


def _music_call(track: Clip, recipe: Recipe, chance: np.random.Generator) -> Call:
    start = int(chance.integers(0, len(track.wave) - 8 * SAMPLE_RATE_HZ))
    answer = Answer(
        track.wave[start : start + 8 * SAMPLE_RATE_HZ], CallClass.MUSIC, "music", track.source, track.language
    )
    return recipe.call(answer, replace(recipe.line(), background_db=None))


def _heard(calls: Sequence[Call]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows: list[NDArray[np.float64]] = []
    labels: list[bool] = []
    for first in range(0, len(calls), _BATCH):
        chunk = calls[first : first + _BATCH]
        bank = AmdBank(len(chunk), Undecided(), known=KnownPrompts([]))
        frames = [np.pad(f, ((0, 250 - len(f)), (0, 0))) for f in (frames_of(c.samples)[:250] for c in chunk)]
        block = np.stack(frames, axis=1)
        for slot in range(len(chunk)):
            bank.open(slot, AmdSettings(deadline_s=1e6, silence_s=1e6), answered=True)
        for tick in range(250):
            bank.step(np.arange(len(chunk)), block[tick], np.ones(len(chunk), dtype=np.bool_))
            if tick in _ASKED_AT:
                for slot, call in enumerate(chunk):
                    record = bank.record(slot)
                    if record["active_total"] >= music.LISTEN_TICKS * 0.8:
                        rows.append(music.extract(record))
                        labels.append(call.call_class is CallClass.MUSIC)
    return np.array(rows), np.array(labels)
