"""A call drawn with letters, for a terminal: level, speech, tones, belief and verdicts over time."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amd.offline import Hearing
from media.frames import SAMPLE_RATE_HZ

_BLOCKS = " ▁▂▃▄▅▆▇█"
COLUMNS = 100


def strips(
    samples: NDArray[np.int16], hearing: Hearing, verdicts_at_s: Sequence[float], columns: int = COLUMNS
) -> list[str]:
    """Lines of `columns` characters over the whole of `samples` (8 kHz). hearing: with its trace."""
    seconds = max(len(samples) / SAMPLE_RATE_HZ, 0.1)
    edges = np.linspace(0, len(samples), columns + 1).astype(np.int64)
    pieces = [samples[a:b].astype(np.float64) for a, b in itertools.pairwise(edges)]
    level_db = np.array(
        [10 * np.log10(np.mean((piece / 32768) ** 2) + 1e-9) if len(piece) else -90 for piece in pieces]
    )
    ticks = (
        [hearing.trace[min(int(edge / 160), len(hearing.trace) - 1)] for edge in edges[:-1]] if hearing.trace else []
    )
    marks = [" "] * columns
    for at_s in verdicts_at_s:
        if at_s <= seconds:
            marks[min(int(at_s / seconds * columns), columns - 1)] = "^"
    lines = [f"sound   {_bars((level_db + 65) / 50)}"]
    if ticks:
        lines += [
            f"speech  {''.join('=' if tick['voiced'] else ' ' for tick in ticks)}",
            f"tone    {''.join('~' if tick['tone_hz'] else ' ' for tick in ticks)}",
            f"person  {_bars(np.array([tick['probability'] for tick in ticks]))}",
        ]
    return [*lines, f"verdict {''.join(marks)}", f"        0 s{f'{seconds:.1f} s':>{columns - 3}}"]


def _bars(values: NDArray[np.float64]) -> str:
    """Values of 0 to 1 as bars."""
    steps = np.clip(np.round(values * (len(_BLOCKS) - 1)), 0, len(_BLOCKS) - 1).astype(int)
    return "".join(_BLOCKS[step] for step in steps)
