"""The decision of the hazard law: how many calls now, and which to give up. Compiled; live law and simulator call it.

D(t) = idle agents - people waiting + agents free by t - calls that become a person by t. A call placed now becomes a
person at one of the horizons, equally likely; its risk is the mean over the horizons of P(D <= 0). Calls are placed
while the risk of the next one is at most theta.
"""

import math
from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import bare, compiled, lean
from dialer.pacing.desk import WAITING, chance_of_new, choose_give_ups, desk, look_up, place_calls
from dialer.pacing.forecast import COLUMNS, GIVE_UP_HORIZON_S, HORIZONS, rebuild
from dialer.pacing.guarantee import PEOPLE, hold_back, may_over_dial, theta_of, watch_progress
from dialer.pacing.shapes import RING_MEMORY, Floats, note

# Why a number of calls was chosen.
FORECAST, START_UP, BUDGET, FLOOR, ROOM, SILENT, NOT_MY_TURN = 0, 1, 2, 3, 4, 5, 6
# What a person among the calls dialled ahead is taken to risk at the least, whatever the model says.
_RISK_AT_LEAST = 0.1
# Seconds that one of several campaigns that share agents may dial ahead, before the next one may.
TURN_S = 10.0
# The belief that the share of people among a rival's calls begins with, as so many calls: it fears people.
BELIEVED_PEOPLE, BELIEVED_CALLS = 50.0, 100.0
# Of the cap: the risk of a call that is placed though the budget is spent, when agents are shared.
_SAFE_SHARE = 0.05
# Calls whose end was seen before the start-up ceiling is lifted.
LEARNT_CALLS = 15.0
# Tables are rebuilt often while little is known.
# Calls over which the share of answers is averaged that tells a dead network.
_ANSWERED_MEMORY = 300.0
# Fewer failures in a row say nothing, however well the list is answered.
_SHORTEST_STREAK = 12.0
_REBUILD_S, _REBUILD_EARLY_S, _EARLY_S = 60.0, 10.0, 300.0
# So many calls have to have ended since, or five times as long.
_WORTH_REBUILDING = 8.0
# Calls placed over which the shares of the lists among the next ones are averaged.
MIX_MEMORY = 20.0
# Slots of the law's own memory.
BEGAN_S, REBUILT_S, ENDED_CALLS, STREAK, ANSWERED = 0, 1, 2, 3, 4
WATCHED_S, EXPECTED, PEOPLE_THEN, EXCESS, SQUARE, CHANCE, ENDED_THEN = 5, 6, 7, 8, 9, 10, 11
# Bursts: the rate of answers swings by a factor whose squared coefficient of variation is believed to be so much, and
# learned from what came within seconds beside what was expected; the weight of that belief, and how old facts fade.
_SWING_SQUARED, _SWING_WEIGHT, _SWING_MEMORY = 0.1, 30.0, 1500.0
# The worst is taken to be so many standard deviations, looked at for calls that are answered soon (that column) and for
# those that are answered last.
_WORST_Z, _MIDDLE = 3.0, 3


class Terms(NamedTuple):
    """What a plan has to respect. room: calls that limits allow now; start_ratio: ceiling while nothing is known.

    shared: other campaigns dial for the same agents; my_turn: one of them dials ahead at a time, else the one that may
    risk more would take every agent. own: this campaign's calls in flight; the others in the view are its rivals'.

    theta_most: the least risk that a rival's next call may carry; rival_share: people for each call of a rival,
    negative when not known; rival_owes: a rival has spent its budget and this campaign has not: no dialling ahead.

    left_s: rest of the window the cap is counted over; connect_s: how long a person may wait.
    """

    room: int
    shared: bool
    my_turn: bool
    start_ratio: float
    left_s: float
    ring_min_s: float
    connect_s: float
    give_up: bool
    own: int
    theta_most: float
    rival_share: float
    rival_owes: bool


def memory() -> Floats:
    """A law's memory at its start."""
    start = np.zeros(12)
    start[BEGAN_S], start[REBUILT_S], start[ANSWERED], start[WATCHED_S] = -1.0, -1e9, 0.3, -1.0
    start[SQUARE], start[EXCESS] = _SWING_WEIGHT, _SWING_WEIGHT * _SWING_SQUARED
    return start


@bare
def rang(ring, memory, lasted_s, way):  # type: ignore[no-untyped-def]
    """Learn how a call's ringing ended (way as in `shapes.note`); False when nothing was learnt from it.

    So many failures in a row as a living network never gives are not learnt from: a carrier that is dead for minutes
    says nothing of the list, and whoever believed it would dial everybody at once and be answered at once.
    """
    if way == 2:
        memory[ENDED_CALLS] += 1.0
        memory[STREAK] += 1.0
        if _is_silent(memory):
            return False
        memory[ANSWERED] *= 1.0 - 1.0 / _ANSWERED_MEMORY
    elif way == 1:
        memory[STREAK] = 0.0
        memory[ANSWERED] += (1.0 - memory[ANSWERED]) / _ANSWERED_MEMORY
    else:
        memory[ENDED_CALLS] += 1.0
    note(ring, int(lasted_s), way, RING_MEMORY)
    return True


@lean
def _is_silent(memory):  # type: ignore[no-untyped-def]
    """Whether more calls failed in a row than a living network gives once in a hundred thousand calls."""
    if memory[STREAK] < _SHORTEST_STREAK:
        return False
    return memory[STREAK] >= math.log(1e-5) / math.log(1.0 - min(0.9, max(0.02, memory[ANSWERED])))


@lean
def must_look_again(memory, now_s):  # type: ignore[no-untyped-def]
    """Whether the tables are due to be rebuilt."""
    early = memory[BEGAN_S] < 0.0 or now_s - memory[BEGAN_S] < _EARLY_S
    if now_s - memory[REBUILT_S] < (_REBUILD_EARLY_S if early else _REBUILD_S):
        return False
    learnt = memory[ENDED_CALLS] - memory[ENDED_THEN]
    return early or learnt >= _WORTH_REBUILDING or now_s - memory[REBUILT_S] >= 5.0 * _REBUILD_S


@bare
def look_again(shapes, cells, grain, mix, tables, memory, view, now_s, connect_s):  # type: ignore[no-untyped-def]
    """Rebuild the tables when they are due."""
    if memory[BEGAN_S] < 0.0:
        memory[BEGAN_S] = now_s
    if must_look_again(memory, now_s):
        memory[REBUILT_S], memory[ENDED_THEN] = now_s, memory[ENDED_CALLS]
        rebuild(shapes, cells, grain, mix, tables, view.calls, view.agents, connect_s)


@lean
def _watch(memory, state, odds, calls, now_s):  # type: ignore[no-untyped-def]
    """Hold the people who came within the give-up horizon against those expected: how much the rate swings."""
    if memory[WATCHED_S] >= 0.0 and now_s - memory[WATCHED_S] < GIVE_UP_HORIZON_S:
        return
    if memory[WATCHED_S] >= 0.0 and now_s - memory[WATCHED_S] <= GIVE_UP_HORIZON_S + 1.5:
        expected, came = memory[EXPECTED], state[PEOPLE] - memory[PEOPLE_THEN]
        keep = 1.0 - 1.0 / _SWING_MEMORY
        memory[EXCESS] = memory[EXCESS] * keep + (came - expected) ** 2 - memory[CHANCE]
        memory[SQUARE] = memory[SQUARE] * keep + expected * expected
    memory[WATCHED_S], memory[PEOPLE_THEN] = now_s, state[PEOPLE]
    memory[EXPECTED], memory[CHANCE] = 0.0, 0.0
    at = 0
    for i in range(len(calls)):
        if calls[i, 0] == WAITING:
            continue
        if calls[i, 5] == 0.0:  # the tally counts this campaign's people alone
            p = odds[at, COLUMNS - 1]
            memory[EXPECTED] += p
            memory[CHANCE] += p * (1.0 - p)
        at += 1


@lean
def _burst(memory, odds, n_calls, n_agents, surplus, sure_freed):  # type: ignore[no-untyped-def]
    """Abandonments, should the worst come of the calls in flight: more answers and fewer agents than expected.

    And how many people the calls in flight should become.
    """
    swing = min(1.0, max(0.0, memory[EXCESS] / max(memory[SQUARE], 1.0)))
    worst, people = 0.0, 0.0
    for column in (_MIDDLE, HORIZONS - 1):
        people, freed, variance = 0.0, 0.0, 0.0
        for i in range(n_calls):
            p = odds[i, column]
            people += p
            variance += p * (1.0 - p)
        for i in range(n_calls, n_calls + n_agents):
            p = odds[i, column]
            freed += p
            variance += p * (1.0 - p)
        spread = _WORST_Z * math.sqrt(variance + swing * people * people)
        worst = max(worst, min(people - sure_freed * freed - surplus + spread, n_calls - surplus))
    return worst, people


@lean
def _at_risk(theta, people, calls, idle):  # type: ignore[no-untyped-def]
    """Abandonments to expect of the people among so many calls, but for one call for each idle agent."""
    return max(theta, _RISK_AT_LEAST) * people * max(0, calls - idle) / max(1, calls)


@compiled
def decide(shapes, cells, grain, mix, tables, memory, settings, state, view, terms, now_s, chosen):  # type: ignore[no-untyped-def]
    """One tick, after `settle`. Returns (calls to place, why, risk of the next call, calls given up).

    chosen: bool[calls], filled with the calls to give up.
    """
    look_again(shapes, cells, grain, mix, tables, memory, view, now_s, terms.connect_s)
    room_to_work = desk(len(view.calls) + len(view.agents))
    return decide_at(room_to_work, tables, mix, memory, settings, state, view, terms, now_s, chosen)


@lean
def decide_at(desk, tables, mix, memory, settings, state, view, terms, now_s, chosen):  # type: ignore[no-untyped-def]
    """`decide` with the tables looked after, and a desk that is there already."""
    n_calls, n_agents, idle, waiting = look_up(tables, view, desk.odds, terms.rival_share)
    floor = min(max(0, idle - len(view.calls)), terms.room)
    at_most, why = terms.room, ROOM
    if memory[ENDED_CALLS] < LEARNT_CALLS:
        ceiling = int(terms.start_ratio * idle) - len(view.calls)
        if terms.shared and terms.my_turn:  # rivals' calls do not keep it from learning anything
            ceiling = max(ceiling, min(idle, int(LEARNT_CALLS)) - terms.own)
        if ceiling < at_most:
            at_most, why = ceiling, START_UP
    theta = min(theta_of(state), terms.theta_most)
    _watch(memory, state, desk.odds, view.calls, now_s)
    working = float(n_agents + idle)
    watch_progress(state, terms.own, float(n_agents), working, now_s)
    burst, people = _burst(memory, desk.odds, n_calls, n_agents, idle - waiting, settings.sure_freed)
    calls, people = len(view.calls), people + waiting
    at_risk = _at_risk(theta, people, calls, idle)
    if _is_silent(memory):
        placed, risk, why = floor, 1.0, SILENT
    elif terms.rival_owes or not terms.my_turn:
        placed, risk, why = floor, 1.0, NOT_MY_TURN
    elif may_over_dial(settings, state, at_risk, now_s, terms.left_s, burst, working):
        hold_back(state, at_risk, burst)
        placed, risk = place_calls(tables, mix, desk, n_calls, n_agents, theta, idle - waiting, at_most)
        if placed < at_most:
            why = FORECAST
        # The budget must bear the calls about to be placed as well, not only those in flight.
        chance = chance_of_new(desk)
        while placed > floor and not may_over_dial(
            settings, state, _at_risk(theta, people + chance * placed, calls + placed, idle), now_s, terms.left_s,
            burst + min(0.3, 1.2 * chance) * placed, working,
        ):  # fmt: skip
            placed, why = placed - 1, BUDGET
    elif terms.shared:
        # Nearly without risk, but not only when no other campaign dials: else that one would starve this one, which
        # could never earn its budget again.
        safe = min(theta, settings.cap * _SAFE_SHARE)
        placed, risk = place_calls(tables, mix, desk, n_calls, n_agents, safe, idle - waiting, at_most)
        why = BUDGET
    else:
        placed, risk, why = floor, 1.0, BUDGET
    if placed < floor:
        placed, why = floor, FLOOR
    given_up = 0
    if placed == 0 and terms.give_up:
        given_up = choose_give_ups(tables, view, desk.odds, n_calls, n_agents, idle - waiting, terms.ring_min_s, chosen)
    return placed, why, risk, given_up
