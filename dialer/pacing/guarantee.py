"""The abandonment guarantee: theta, the risk a call may carry, follows the tally by one integral rule. Compiled.

    ln theta += eta * aim      for each person who answered
    ln theta -= eta            for each abandoned one (and for each estimated AMD false positive)

Sum both sides: whatever calls, people or models do,

    abandoned = aim * people + (ln theta_0 - ln theta) / eta

exactly, as long as theta was not held down at its ceiling, and less than that when it was. It is never held up from
below. A budget guard stands around it: no call beyond the idle agents unless one more abandonment, besides what the
calls in flight already risk, still fits under the cap at the end of the window.
"""

import math
from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import lean
from dialer.pacing.shapes import Floats

# Slots of the state.
LN_THETA, PEOPLE, ABANDONED, MISTAKEN, BEGAN_S, AIM, PEOPLE_BEFORE, KEPT, SURE = 0, 1, 2, 3, 4, 5, 6, 7, 8
SEEN_S, CALL_S, BUSY_S = 9, 10, 11
STATE_SIZE = 12
# Plans over which what the guard holds back for the calls in flight is averaged.
_KEPT_MEMORY = 300.0
# Before so many people the rate of people is not known well enough to look ahead with.
_KNOWN_PEOPLE = 30.0
# Of the people expected in the rest of the window, this share is counted on: progressive dialling alone, which is
# all that is left when the budget is spent, reaches it even on a list where few answer.
_SURE_OF_THE_REST = 0.45
_SURE_OF_PROGRESSIVE = 0.6
# The dead time that is reckoned with is at most this share of the window.
_DEAD_SHARE = 0.1
# Before the rate is known: an agent meets a person in so many seconds at the least.
_SLOWEST_S = 900.0
# Of the Poisson count of AMD's errors so many standard deviations are counted: m expected are m + 2 sqrt(m).
MISTAKEN_Z = 2.0
# How theta_0 falls with the share of the cap that is aimed at.
_THETA_0_FALLS = 5.0 / 3.0
# A campaign that shares agents may lose one, whom it counted on, to another campaign: it keeps to this part of the cap,
# holds back more, and counts less on agents who should come free.
SHARED = 0.9
_SHARED_RESERVE, _SHARED_FREED = 0.3, 0.5


class Guarantee(NamedTuple):
    """Settings. cap: share of people answered that may be abandoned; eta: step of ln theta per abandonment.

    theta_0: the risk a call may carry at the start of the window; theta_max: and ever.
    margin: abandonments kept back for the end of the window; short: the aim, as a share of the cap: at its end a window
    is under the cap, not on it. reserve: what is held back besides, in standard deviations of the abandonments that
    the window allows; sure_freed: share of the agents who should come free that is counted on when the worst is looked
    at. early: abandonments that a window of hours is taken to allow before its rate of people is known. dead_s:
    nobody is counted on in so much of the rest of the window, for a carrier may be dead to the end.
    """

    cap: float = 0.03
    eta: float = 0.3
    theta_0: float = 0.025
    theta_max: float = 0.74
    margin: float = 0.5
    short: float = 0.99
    reserve: float = 0.1
    sure_freed: float = 0.8
    early: float = 4.0
    dead_s: float = 600.0


def shared(settings: Guarantee) -> Guarantee:
    """The settings of a campaign that shares agents with others."""
    return settings._replace(cap=SHARED * settings.cap, reserve=_SHARED_RESERVE, sure_freed=_SHARED_FREED)


def agreed(settings: Guarantee, cap: float, target: float, is_shared: bool) -> Guarantee:
    """The settings under this cap and target, alone or with other campaigns that dial for the same agents."""
    alone = aimed_at(settings._replace(cap=cap), target)
    return shared(alone) if is_shared else alone


def aimed_at(settings: Guarantee, target: float) -> Guarantee:
    """The settings that aim at a share under the cap, which stays the hard stop. 0: at the cap itself.

    theta begins lower too: a window that allows few abandonments has none to spare for finding out where theta belongs
    (at a third of a 3 % cap, 0.004 kept every shift of ten and of fifty agents under 1 %; 0.008 did not).
    """
    share = min(1.0, target / max(settings.cap, 1e-9)) if target > 0.0 else 1.0
    return settings._replace(short=settings.short * share, theta_0=settings.theta_0 * share**_THETA_0_FALLS)


def fresh(settings: Guarantee) -> Floats:
    """The state at the start of a window."""
    state = np.zeros(STATE_SIZE)
    state[LN_THETA] = math.log(settings.theta_0)
    state[BEGAN_S] = -1.0
    state[AIM] = settings.cap
    return state


@lean
def people_to_come(state, now_s, left_s):  # type: ignore[no-untyped-def]
    """People expected in the rest of the window, at the rate since this process began; -1 when not known yet."""
    seen = state[PEOPLE] - state[PEOPLE_BEFORE]
    if seen < _KNOWN_PEOPLE:
        return -1.0
    return seen / max(1.0, now_s - state[BEGAN_S]) * left_s


@lean
def settle(settings, state, people, abandoned, mistaken, now_s, left_s):  # type: ignore[no-untyped-def]
    """Move theta to the tally of the window (totals, not differences). mistaken: estimated AMD false positives."""
    if state[BEGAN_S] < 0.0:
        state[BEGAN_S], state[PEOPLE_BEFORE] = now_s, people
    more = people - state[PEOPLE]
    worse = (abandoned - state[ABANDONED]) + (mistaken - state[MISTAKEN])
    state[PEOPLE], state[ABANDONED], state[MISTAKEN] = people, abandoned, mistaken
    aim = settings.cap
    to_come = people_to_come(state, now_s, left_s)
    if to_come >= 0.0:
        aim = max(
            0.2 * settings.cap, settings.short * settings.cap - (settings.margin + state[KEPT]) / (people + to_come)
        )
    state[AIM] = aim
    state[LN_THETA] = min(math.log(settings.theta_max), state[LN_THETA] + settings.eta * (aim * more - worse))


@lean
def may_over_dial(settings, state, at_risk, now_s, left_s, burst=0.0, agents=0.0):  # type: ignore[no-untyped-def]
    """Whether one more abandonment fits under the cap. at_risk: abandonments expected of the calls dialled ahead.

    Twice their standard deviation is kept besides, or `burst`, the abandonments of a burst of answers among them, when
    those are more. agents: who work now: what they will at least meet is counted on before a rate of people is known.
    """
    people, mistaken = state[PEOPLE], state[MISTAKEN]
    to_come = people_to_come(state, now_s, left_s)
    if to_come >= 0.0:
        # How far chance may carry AMD's errors by the end of the window is in nobody's hand: it is held back now.
        if mistaken > 0.0:
            surely = (math.sqrt(1.0 + mistaken) - 1.0) ** 2
            mistaken = surely + MISTAKEN_Z * math.sqrt(surely * (people + to_come) / max(1.0, people))
        window_s = now_s - state[BEGAN_S] + left_s
        sure_s = max(0.0, left_s - min(settings.dead_s, _DEAD_SHARE * window_s))
        sure = _SURE_OF_THE_REST * to_come
        if state[SURE] > 0.0:
            sure = min(sure, _SURE_OF_PROGRESSIVE * state[SURE] * left_s)
        people += sure * sure_s / max(1.0, left_s)
    else:
        # Too early to know: the window is taken to hold enough people for two abandonments, if there is time at all.
        sure = min(settings.early / settings.cap + 1.0, agents * left_s / _SLOWEST_S)
        people = max(people, sure, min(2.0 / settings.cap + 1.0, left_s / 30.0))
    kept = 1.0 + max(burst, at_risk + 2.0 * math.sqrt(at_risk)) + settings.reserve * math.sqrt(settings.cap * people)
    return state[ABANDONED] + mistaken + kept <= settings.cap * people


@lean
def watch_progress(state, calls, busy, working, now_s):  # type: ignore[no-untyped-def]
    """Reckon what one call for each idle agent would bring: people a second of the agents who work now.

    By Little's law: seconds that calls took, and seconds that agents talked and wrapped up, for each person there was.
    """
    if state[SEEN_S] > 0.0 and now_s - state[SEEN_S] < 5.0:
        state[CALL_S] += calls * (now_s - state[SEEN_S])
        state[BUSY_S] += busy * (now_s - state[SEEN_S])
    state[SEEN_S] = now_s
    people = state[PEOPLE] - state[PEOPLE_BEFORE]
    if people >= _KNOWN_PEOPLE and state[BUSY_S] > 0.0:
        state[SURE] = people * working / (state[CALL_S] + state[BUSY_S])


@lean
def hold_back(state, at_risk, burst):  # type: ignore[no-untyped-def]
    """What the guard holds back while calls are dialled ahead: at the end of the window so much of the cap is unused.

    Who aims at more than the rest runs into the guard again and again, and dials one call for each idle agent between.
    """
    kept = max(burst, at_risk + 2.0 * math.sqrt(at_risk))
    state[KEPT] += (max(0.0, kept) - state[KEPT]) / _KEPT_MEMORY


@lean
def theta_of(state):  # type: ignore[no-untyped-def]
    """The risk the next call may carry."""
    return math.exp(state[LN_THETA])


@lean
def owes(settings, state, now_s, left_s):  # type: ignore[no-untyped-def]
    """Whether the budget is spent by abandonments there were: people have to be met before one more may be risked."""
    return state[ABANDONED] > 0.0 and not may_over_dial(settings, state, 0.0, now_s, left_s)
