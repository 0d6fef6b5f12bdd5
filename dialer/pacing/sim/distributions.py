"""Distributions by name, as tables of quantiles: one way to draw them all, also those of a centre's own history."""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

STRICT = ConfigDict(extra="forbid")
QUANTILES = 4096
_DRAWS = 400_000
_LONGEST_S = 36_000.0
Seconds = Annotated[float, Field(ge=0, le=_LONGEST_S)]


class Kind(StrEnum):
    """Names of distributions."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    EXPONENTIAL = "exponential"
    LOG_NORMAL = "lognormal"
    GAMMA = "gamma"
    PARETO = "pareto"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A duration in seconds, by kind.

    constant, exponential: mean_s. lognormal, gamma: mean_s and cv (sd / mean). uniform: low_s and high_s. pareto:
    mean_s and shape (over 1; heavier when smaller). values: values_s, or a file with one number a line.
    """

    kind: Kind = Kind.CONSTANT
    mean_s: Seconds = 0.0
    cv: Annotated[float, Field(ge=0, le=10)] = 1.0
    low_s: Seconds = 0.0
    high_s: Seconds = 0.0
    shape: Annotated[float, Field(gt=1, le=100)] = 2.0
    values_s: tuple[Seconds, ...] = ()
    file: str = ""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    def __post_init__(self) -> None:
        """Refuse what draws nothing. Raises ValueError."""
        if self.kind is Kind.UNIFORM and self.high_s < self.low_s:
            raise ValueError(f"high_s {self.high_s:g} is under low_s {self.low_s:g}: give low_s <= high_s")
        if self.kind is Kind.VALUES and not self.values_s and not self.file:
            raise ValueError("kind 'values' needs values_s or file: the history is empty")
        if self.kind not in (Kind.UNIFORM, Kind.VALUES, Kind.CONSTANT) and self.mean_s <= 0:
            raise ValueError(f"kind {self.kind.value!r} needs mean_s over 0 (it is {self.mean_s:g})")

    def quantiles(self, folder: str = ".") -> NDArray[np.float64]:
        """QUANTILES values, float64, in order, whose mean is the distribution's. Raises ValueError on a bad file."""
        return _quantiles(self, folder)


@cache
def _quantiles(of: Distribution, folder: str) -> NDArray[np.float64]:
    u = (np.arange(QUANTILES) + 0.5) / QUANTILES
    match of.kind:
        case Kind.CONSTANT:
            return np.full(QUANTILES, of.mean_s)
        case Kind.UNIFORM:
            return of.low_s + u * (of.high_s - of.low_s)
        case Kind.EXPONENTIAL:
            return _with_mean(-np.log1p(-u), of.mean_s)
        case Kind.LOG_NORMAL:
            sigma = math.sqrt(math.log1p(of.cv * of.cv))
            normal = NormalDist()
            return _with_mean(np.exp(sigma * np.array([normal.inv_cdf(float(x)) for x in u])), of.mean_s)
        case Kind.GAMMA:
            if of.cv == 0:
                return np.full(QUANTILES, of.mean_s)
            draws = np.random.default_rng(1).gamma(1 / of.cv**2, 1.0, _DRAWS)
            return _with_mean(np.quantile(draws, u), of.mean_s)
        case Kind.PARETO:
            return _with_mean((1 - u) ** (-1 / of.shape) - 1, of.mean_s)
        case Kind.VALUES:
            return np.quantile(np.array(of.values_s or _read(Path(folder) / of.file), np.float64), u)


def _with_mean(values: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    # Cutting the last 1/8192 off a heavy tail would shorten the mean.
    return np.asarray(values * (mean / values.mean()), np.float64)


def _read(path: Path) -> tuple[float, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text in UTF-8: give one number of seconds a line") from None
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read: {error.strerror}: give a file with one number of seconds a line"
        ) from None
    values = tuple(_seconds(path, number, word) for number, line in enumerate(lines, 1) for word in line.split())
    if not values:
        raise ValueError(f"{path}: the history is empty: give one number of seconds a line")
    return values


def _seconds(path: Path, number: int, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(f"{path}:{number}: {word!r} is no number of seconds from 0 to {_LONGEST_S:,.0f}")
    return value
