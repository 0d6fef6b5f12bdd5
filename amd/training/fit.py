"""Features from calls, trees from features, thresholds from calls the trees have not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amd.bank import AmdBank
from amd.features import COUNT, NAMES
from amd.known_prompts import KnownPrompts
from amd.model import Undecided
from amd.offline import frames_of
from amd.state import TICK_S
from amd.training.calls import Call
from amd.trees import Trees
from amd.verdict import AmdSettings, CallClass
from media.frames import FRAME_SAMPLES

# What only ever speaks for a person (1) or against one (-1), whoever talks: it keeps the trees from learning that
# the long sentences of one training source are people and those of another are not.
_DIRECTIONS = {
    "quiet_s": 1,
    "near_silence_s": 1,
    "silence_s": 1,
    "loose_silence_s": 1,
    "span_s": -1,
    "near_span_s": -1,
    "voice_s": -1,
    "longest_burst_s": -1,
    "words": -1,
}
_SILENCE = NAMES.index("quiet_s")
LISTEN_S = 7.5
BATCH = 128


@dataclass(slots=True)
class Examples:
    """Every evaluation of many calls: features (n, COUNT), the call (n,) and tick (n,) of each, truth per call."""

    rows: NDArray[np.float32]
    call: NDArray[np.int64]
    tick: NDArray[np.int64]
    human: NDArray[np.bool_]  # per call

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Truth per row."""
        return self.human[self.call]

    def only(self, rows: NDArray[np.bool_]) -> "Examples":
        """Some of the rows (n,)."""
        return Examples(self.rows[rows], self.call[rows], self.tick[rows], self.human)

    def weights(self) -> NDArray[np.float64]:
        """Each call counts the same, however often it was looked at."""
        counts = np.bincount(self.call, minlength=len(self.human))
        weights: NDArray[np.float64] = 1.0 / np.maximum(1, counts)[self.call]
        return np.asarray(weights * (len(weights) / weights.sum()), dtype=np.float64)


def thinned(examples: Examples) -> Examples:
    """Every look in the first 0.6 s of a pause, where calls are decided, and each third after that: half the work."""
    early = examples.rows[:, _SILENCE] < 0.61
    return examples.only(early | ((examples.tick // 2) % 3 == 0))


def examine(calls: Sequence[Call], listen_s: float = LISTEN_S) -> Examples:
    """Let a bank that believes nothing hear every call, and keep what a model would have seen."""
    rows: list[NDArray[np.float32]] = []
    owners: list[NDArray[np.int64]] = []
    ticks: list[NDArray[np.int64]] = []
    for first in range(0, len(calls), BATCH):
        _examine_batch(calls[first : first + BATCH], first, round(listen_s / TICK_S), rows, owners, ticks)
    human = np.array([call.call_class is CallClass.HUMAN for call in calls])
    empty = np.zeros((0, COUNT), dtype=np.float32)
    return Examples(np.concatenate([empty, *rows]), _joined(owners), _joined(ticks), human)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _examine_batch(
    calls: Sequence[Call],
    offset: int,
    ticks: int,
    rows: list[NDArray[np.float32]],
    owners: list[NDArray[np.int64]],
    when: list[NDArray[np.int64]],
) -> None:
    now = 0

    def observe(slots: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        rows.append(features.copy())
        owners.append(slots + offset)
        when.append(np.full(len(slots), now))

    bank = AmdBank(len(calls), Undecided(), observe, KnownPrompts([]))
    never = AmdSettings(deadline_s=1e6, silence_s=1e6)
    cut = []
    for slot, call in enumerate(calls):
        bank.open(slot, never, answered=True)
        frames = frames_of(call.samples)[:ticks]
        cut.append(np.pad(frames, ((0, ticks - len(frames)), (0, 0))))
    block = np.stack(cut, axis=1)
    slots = np.arange(len(calls), dtype=np.int64)
    present = np.ones(len(calls), dtype=np.bool_)
    assert block.shape[2] == FRAME_SAMPLES
    for now in range(ticks):
        bank.step(slots, block[now], present)


def fit_trees(examples: Examples, *, seed: int, iterations: int = 300, leaves: int = 12) -> Trees:
    """Boost small trees (scikit-learn's histogram gradient boosting) and turn them into arrays."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    booster = HistGradientBoostingClassifier(
        max_iter=iterations,
        learning_rate=0.05,
        max_leaf_nodes=leaves,
        min_samples_leaf=120,
        l2_regularization=2.0,
        max_features=0.35,
        random_state=seed,
        early_stopping=False,
        monotonic_cst=[_DIRECTIONS.get(name, 0) for name in NAMES],
    )
    examples = thinned(examples)
    with threadpool_limits(limits=1):  # sums in another order make other trees
        booster.fit(examples.rows, examples.labels, sample_weight=examples.weights())
    return _exported(booster)


def _exported(booster: object) -> Trees:
    stages = getattr(booster, "_predictors")  # noqa: B009  scikit-learn keeps its trees in private attributes
    base = float(np.ravel(getattr(booster, "_baseline_prediction"))[0])  # noqa: B009
    feature, threshold, left, right, roots = [], [], [], [], []
    offset = 0
    for (tree,) in stages:
        nodes = tree.nodes
        leaf = nodes["is_leaf"].astype(bool)
        roots.append(offset)
        feature.append(np.where(leaf, -1, nodes["feature_idx"]))
        threshold.append(np.where(leaf, nodes["value"], nodes["num_threshold"]))
        left.append(np.where(leaf, 0, nodes["left"] + offset))
        right.append(np.where(leaf, 0, nodes["right"] + offset))
        offset += len(nodes)
    return Trees(
        np.concatenate(feature).astype(np.int16),
        np.concatenate(threshold).astype(np.float32),
        np.concatenate(left).astype(np.int32),
        np.concatenate(right).astype(np.int32),
        np.array(roots, dtype=np.int32),
        base,
    )
