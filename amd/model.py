"""The trained model: trees, the thresholds fitted with them, and their card. One data file."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from amd import features
from amd.music import MusicModel
from amd.policy import DEFAULT_CURVE, Curve
from amd.trees import Trees, TreesUnusable

DEFAULT_MODEL = Path(__file__).parent / "models" / "default.npz"


class ModelUnusable(Exception):
    """The model file cannot be used; the message says why and how to get one (`timbre amd train`)."""


class Believer(Protocol):
    """Whatever turns features into P(person)."""

    @property
    def curve(self) -> Curve:
        """The thresholds that go with it."""
        ...

    @property
    def music(self) -> MusicModel | None:
        """Who knows music, if anybody does."""
        ...

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(person) of each row (n, `features.COUNT`)."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model."""

    trees: Trees
    curve: Curve
    music: MusicModel | None = None
    card: dict[str, Any] = field(default_factory=dict)

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(person) of each row (n, `features.COUNT`)."""
        return self.trees.probability(rows)


@dataclass(frozen=True, slots=True)
class Undecided:
    """Believes nothing: what listens while training data is made."""

    curve: Curve = DEFAULT_CURVE
    music: MusicModel | None = None

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """A half, for everybody."""
        return np.full(len(rows), 0.5, dtype=np.float32)


def save_model(model: Model, path: Path) -> None:
    """Write a model as one .npz file (no pickles inside). The date stays out: the same training gives the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    trees = model.trees
    header = {
        "names": features.NAMES,
        "base": trees.base,
        "curve": model.curve.as_json(),
        "music": None if model.music is None else model.music.as_json(),
        "card": {name: value for name, value in model.card.items() if name != "made_on"},
    }
    np.savez_compressed(
        path,
        header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8),
        feature=trees.feature,
        threshold=trees.threshold,
        left=trees.left,
        right=trees.right,
        roots=trees.roots,
    )


@cache
def load_model(path: Path = DEFAULT_MODEL) -> Model:
    """Read a model. Raises ModelUnusable when it is missing, damaged, or made for other features."""
    try:
        with np.load(path, allow_pickle=False) as data:
            header = json.loads(data["header"].tobytes())
            arrays = {name: data[name] for name in ("feature", "threshold", "left", "right", "roots")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        why = "it is another kind of file" if "pickle" in str(error) else error
        raise ModelUnusable(f"{path}: not a usable model ({why}); make one with `timbre amd train`") from error
    if tuple(header["names"]) != features.NAMES:
        raise ModelUnusable(f"{path}: was trained for other features; train it again with `timbre amd train`")
    music = None if header.get("music") is None else MusicModel.from_json(header["music"])
    try:
        trees = Trees(**arrays, base=float(header["base"]))
    except TreesUnusable as error:
        raise ModelUnusable(f"{path}: {error}; train it again with `timbre amd train`") from error
    return Model(trees, Curve.from_json(header["curve"]), music, header["card"])
