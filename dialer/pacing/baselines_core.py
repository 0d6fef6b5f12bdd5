"""What other dialers do, as functions of counts: the laws ours is measured against. Compiled, live and in simulation.

Sources: VICIdial's AST_VDadapt.pl and AST_VDauto_dial.pl (behaviour, not code), WombatDialer's manual ("boost factor"),
Issabel's call centre module. Every law keeps its memory in one float64 array of STATE_SIZE.
"""

import math
from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import bare, compiled, lean

STATE_SIZE = 64
HARD_LIMIT, AVERAGE, TAPERED = 0, 1, 2
# Slots of VICIdial's state.
_LEVEL, _ADAPT_S, _PLACE_S, _SAMPLES, _REFRESH_S = 0, 1, 2, 3, 4
_PLACED_BEFORE, _DROPS_BEFORE, _DROP_SHARE, _PLACED_MINUTE, _DROPS_MINUTE, _ANSWERS_SEEN, _DROPS_SEEN = range(5, 12)
_BUFFER, _BUFFERED = 20, 15
# How often VICIdial counts its drops, changes its level, and places calls.
_REFRESH_EVERY_S, _ADAPT_EVERY_S, _PLACE_EVERY_S = 60.0, 15.0, 2.5
# So much too early is looked again, lest a rounded sum be too late.
_EARLY_S = 1e-6


class Counts(NamedTuple):
    """What simple laws look at. logged_in: with paused agents; working: without them; in_flight: not bridged."""

    idle: int
    waiting: int
    logged_in: int
    working: int
    in_flight: int
    bridged: int
    placed: float
    answers: float
    people: float
    abandoned: float
    now_s: float
    left_s: float
    cap: float


@compiled
def fresh_vicidial() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """State at the start of a day: dial level 1."""
    state = np.zeros(STATE_SIZE)
    state[_LEVEL] = 1.0
    state[_PLACE_S] = state[_ADAPT_S] = state[_REFRESH_S] = -1e9
    return state


@lean
def ratio(counts, calls_per_agent):  # type: ignore[no-untyped-def]
    """Fill up to calls_per_agent x idle agents; nothing while somebody waits. 1.0 is progressive."""
    if counts.waiting > 0:
        return 0
    return max(0, int(calls_per_agent * counts.idle) - counts.in_flight)


@lean
def wombat(counts, boost, most_waiting):  # type: ignore[no-untyped-def]
    """floor(boost x free agents), stopping while more than `most_waiting` people wait."""
    if counts.waiting > most_waiting:
        return 0
    return max(0, int(boost * counts.idle) - counts.in_flight)


@lean
def issabel(counts, soon_free, use_asr):  # type: ignore[no-untyped-def]
    """Free agents and those about to be free; with `use_asr` divided by the answer ratio, at least 0.2."""
    wanted = float(counts.idle + soon_free - counts.waiting)
    if use_asr and counts.placed > 0:
        wanted = wanted / max(0.20, counts.answers / counts.placed)
    return max(0, round(wanted) - (counts.in_flight - counts.waiting))


@lean
def averages(counts, mean_talk_s, mean_wrap_s, mean_answer_s, theta):  # type: ignore[no-untyped-def]
    """Binomial on averages: call on while P(people of the calls in flight >= agents free by then) <= theta."""
    # Of calls that have ended: those that ring say nothing yet, and whoever takes them for failures dials everybody.
    share = (counts.people + 6.0) / (max(0.0, counts.placed - counts.in_flight) + 12.0)
    busy = counts.working - counts.idle
    cycle_s = max(5.0, mean_talk_s + mean_wrap_s)
    freed = min(0.95, (mean_answer_s + 2.0) / cycle_s)
    surplus = counts.idle - counts.waiting
    calls = counts.in_flight - counts.waiting
    variance_freed = busy * freed * (1.0 - freed)
    placed = 0
    while placed < 400:
        mean = calls * share - busy * freed
        variance = calls * share * (1.0 - share) + variance_freed
        x = (surplus - 0.5 - mean) / math.sqrt(max(variance, 1e-9))
        if 0.5 * math.erfc(x * 0.7071067811865476) > theta:
            break
        calls += 1
        placed += 1
    return max(placed, min(400, counts.idle - counts.in_flight))


@lean
def vicidial(state, counts, mode, level_max):  # type: ignore[no-untyped-def]
    """One second of VICIdial's adaptive dialling; returns calls to place."""
    vicidial_samples(state, counts.idle, counts.waiting, 1)
    if counts.now_s - state[_REFRESH_S] >= _REFRESH_EVERY_S:
        _refresh(state, counts)
    if counts.now_s - state[_ADAPT_S] >= _ADAPT_EVERY_S:
        state[_ADAPT_S] = counts.now_s
        state[_LEVEL] = _level(state, counts, mode, level_max)
    if counts.now_s - state[_PLACE_S] < _PLACE_EVERY_S:
        return 0
    state[_PLACE_S] = counts.now_s if counts.now_s - state[_PLACE_S] > 5.0 else state[_PLACE_S] + _PLACE_EVERY_S
    goal = round(state[_LEVEL] * counts.working)
    return max(0, goal - counts.in_flight - counts.bridged)


@lean
def vicidial_samples(state, idle, waiting, seconds):  # type: ignore[no-untyped-def]
    """Note who is idle and who waits, for so many seconds in which it was the same."""
    at = int(state[_SAMPLES]) % _BUFFERED
    for _second in range(min(seconds, _BUFFERED)):
        state[_BUFFER + at] = idle
        state[_BUFFER + _BUFFERED + at] = waiting
        at = at + 1 if at + 1 < _BUFFERED else 0
    state[_SAMPLES] += seconds


@lean
def vicidial_until(state):  # type: ignore[no-untyped-def]
    """When `vicidial` does more than note: not before."""
    refresh_s, adapt_s = state[_REFRESH_S] + _REFRESH_EVERY_S, state[_ADAPT_S] + _ADAPT_EVERY_S
    return min(refresh_s, adapt_s, state[_PLACE_S] + _PLACE_EVERY_S) - _EARLY_S


@bare
def _refresh(state, counts):  # type: ignore[no-untyped-def]
    """The drop statistics, once a minute."""
    state[_REFRESH_S] = counts.now_s
    state[_PLACED_MINUTE] = counts.placed - state[_PLACED_BEFORE]
    state[_DROPS_MINUTE] = counts.abandoned - state[_DROPS_BEFORE]
    state[_PLACED_BEFORE], state[_DROPS_BEFORE] = counts.placed, counts.abandoned
    state[_ANSWERS_SEEN], state[_DROPS_SEEN] = counts.people, counts.abandoned


@bare
def _level(state, counts, mode, level_max):  # type: ignore[no-untyped-def]
    samples = min(_BUFFERED, int(state[_SAMPLES]))
    ready = state[_BUFFER : _BUFFER + samples].sum() / samples
    waiting = state[_BUFFER + _BUFFERED : _BUFFER + _BUFFERED + samples].sum() / samples
    level = round(state[_LEVEL] * (1.0 + (ready - waiting) / max(1, counts.logged_in)), 3)
    level = max(1.0, min(level_max, level))
    if state[_PLACED_MINUTE] > 20.0 and state[_DROPS_MINUTE] > 0.5 * state[_PLACED_MINUTE]:
        level = level / 2.0
    over = state[_DROPS_SEEN] > counts.cap * max(1.0, state[_ANSWERS_SEEN])
    if counts.placed > 50.0 and over:
        if mode == HARD_LIMIT:
            level = 1.0
        elif mode == AVERAGE:
            level = level / 2.0
        else:
            level = level * min(1.0, max(0.0, counts.left_s / 36_000.0))
    return max(1.0, level)
