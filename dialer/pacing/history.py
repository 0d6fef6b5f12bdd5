"""A centre's own past as a scenario: how long its calls ring, who answers, how long people talk, hour by hour.

Calls that pacing took back were not seen to their end: each one's weight goes to the calls that rang longer than it had
(redistribution to the right, Efron 1967), so that taking calls back does not make the list look better or worse.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from campaigns.attempt import AttemptState
from campaigns.campaign import Campaign
from campaigns.outcome import Outcome
from dialer.pacing.sim.distributions import Distribution, Kind
from dialer.pacing.sim.scenario import Amd, CallList, Clock, Rules, Scenario, Segment
from storage.history import PastCall

# Fewer than this say nothing: one message instead of a scenario.
FEWEST_CALLS, FEWEST_PEOPLE = 200, 30
# An hour with fewer calls takes the shares of the whole day.
_FEWEST_IN_HOUR = 150
_QUANTILES = 400
_LONGEST_VERDICT_S = 8.0
_S = AttemptState
_NEVER_PLACED = frozenset({Outcome.REFUSED, Outcome.LOST})


class HistoryTooShort(ValueError):
    """The past holds too little; the message says how much, and what is needed."""


class _Fate(IntEnum):
    PERSON = 0
    MACHINE = 1
    BAD = 2
    NOBODY = 3
    TAKEN_BACK = 4


@dataclass(frozen=True, slots=True)
class Past:
    """What a scenario is made of. calls: of one campaign, or several; wrap_ups_s: seconds; agents: who talked on a day.

    Fields that a past without such calls leaves empty keep the defaults of scenarios.
    """

    calls: int
    people: int
    wrap_ups: int
    agents: int
    scenario: Scenario


def past_of(calls: Sequence[PastCall], wrap_ups_s: Sequence[float], campaign: Campaign) -> Past:
    """The past as a scenario for this campaign's rules. Raises HistoryTooShort."""
    placed = [call for call in calls if call.outcome not in _NEVER_PLACED and _S.DIALING in call.moved_s]
    people = sum(call.outcome.answered_by_person for call in placed)
    if len(placed) < FEWEST_CALLS or people < FEWEST_PEOPLE:
        raise HistoryTooShort(
            f"campaign {campaign.campaign_id}: the history holds {len(placed)} calls and {people} people who answered; "
            f"at least {FEWEST_CALLS} and {FEWEST_PEOPLE} are needed: dial for some hours, or give --days"
        )
    agents = _agents_a_day(placed, campaign.hours.time_zone)
    scenario = _scenario(placed, list(wrap_ups_s), campaign, agents)
    return Past(len(placed), people, len(wrap_ups_s), agents, scenario)


def _scenario(placed: list[PastCall], wrap_ups_s: list[float], campaign: Campaign, agents: int) -> Scenario:
    fates = np.array([_fate(call) for call in placed])
    ended_s = np.array([_rang_s(call) for call in placed])
    weights = _redistributed(fates, ended_s)
    everybody = _common(placed, fates, ended_s, weights, wrap_ups_s)
    zone = ZoneInfo(campaign.hours.time_zone)
    hours = np.array([datetime.fromtimestamp(call.planned_at_s, zone).hour for call in placed])
    first, last = int(hours.min()), int(hours.max())
    lists, segments = [], []
    for hour in range(first, last + 1):
        chosen = hours == hour
        if chosen.sum() < _FEWEST_IN_HOUR:
            chosen = np.ones(len(placed), bool)
        name = f"{hour:02}h"
        of_hour = replace(everybody, name=name, known_as=campaign.campaign_id)
        lists.append(_with_shares(of_hour, placed, fates, weights, chosen))
        segments.append(Segment((hour - first) * 3600.0, {name: 1.0}))
    return Scenario(
        f"{campaign.campaign_id}: own history", float(last - first + 1), max(1, agents), tuple(lists), tuple(segments),
        rules=_rules(campaign, agents), amd=_amd(placed, campaign),
    )  # fmt: skip


def _fate(call: PastCall) -> _Fate:
    if call.outcome is Outcome.GIVEN_UP:
        return _Fate.TAKEN_BACK
    if call.outcome.answered_by_person:
        return _Fate.PERSON
    if _S.ANSWERED in call.moved_s:
        return _Fate.MACHINE
    return _Fate.NOBODY if call.outcome is Outcome.NO_ANSWER else _Fate.BAD


def _rang_s(call: PastCall) -> float:
    rang_s = call.between(_S.DIALING, _S.ANSWERED)
    return call.between(_S.DIALING, _S.ENDED) or 0.0 if rang_s is None else rang_s


def _redistributed(fates: NDArray[np.int64], ended_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the calls; those of calls taken back go to calls that rang longer."""
    weights = np.ones(len(fates))
    order = np.argsort(ended_s, kind="stable")
    for place, index in enumerate(order):
        if fates[index] == _Fate.TAKEN_BACK:
            later = order[place + 1 :]
            total = weights[later].sum()
            if total > 0:
                weights[later] *= 1.0 + weights[index] / total
            weights[index] = 0.0
    return weights


def _with_shares(
    of: CallList,
    placed: list[PastCall],
    fates: NDArray[np.int64],
    weights: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> CallList:
    total = max(weights[chosen].sum(), 1e-9)
    share = [float(weights[chosen & (fates == fate)].sum() / total) for fate in _Fate]
    early = np.array([call.outcome is Outcome.CUSTOMER_HUNG_UP for call in placed])
    people = max(weights[chosen & (fates == _Fate.PERSON)].sum(), 1e-9)
    return replace(
        of,
        people=share[_Fate.PERSON],
        machines=share[_Fate.MACHINE],
        bad=share[_Fate.BAD],
        hang_up_early=float(weights[chosen & early].sum() / people),
    )


def _common(
    placed: list[PastCall],
    fates: NDArray[np.int64],
    ended_s: NDArray[np.float64],
    weights: NDArray[np.float64],
    wrap_ups_s: list[float],
) -> CallList:
    """Durations, of the whole day."""
    known = CallList()
    answered = (fates == _Fate.PERSON) | (fates == _Fate.MACHINE)
    talks_s = [call.between(_S.BRIDGED, _S.ENDED) for call in placed if call.outcome is Outcome.BRIDGED]
    return replace(
        known,
        ring=_values(ended_s[answered], weights[answered]) or known.ring,
        bad_after=_values(ended_s[fates == _Fate.BAD]) or known.bad_after,
        talk=_values(np.array([talk_s for talk_s in talks_s if talk_s is not None])) or known.talk,
        wrap_up=_values(np.array(wrap_ups_s)) or known.wrap_up,
    )


def _amd(placed: list[PastCall], campaign: Campaign) -> Amd:
    known = Amd(enabled=campaign.amd.enabled)
    people = [call.between(_S.ANSWERED, _S.CONNECTING) for call in placed if call.outcome.answered_by_person]
    machines = [call.between(_S.ANSWERED, _S.ENDED) for call in placed if call.outcome is Outcome.MACHINE]
    seconds = [np.minimum([s for s in part if s is not None], _LONGEST_VERDICT_S) for part in (people, machines)]
    return replace(
        known,
        person_delay=_values(seconds[0]) or known.person_delay,
        machine_delay=_values(seconds[1]) or known.machine_delay,
        person_as_machine=campaign.amd.assumed_people,
        audited=campaign.amd.audited or known.audited,
    )


def _rules(campaign: Campaign, agents: int) -> Rules:
    team = max(1, agents)
    return Rules(
        cap=campaign.pacing.abandonment_cap,
        connect_max_s=campaign.safe_harbour.max_wait_s,
        clock=Clock.GREETING_END if campaign.amd.enabled else Clock.ANSWER,
        ring_timeout_s=min(63.0, campaign.ring_timeout_s),
        channels_per_agent=campaign.limits.channels / team,
        calls_per_s_per_agent=campaign.limits.calls_per_s / team,
    )


def _values(seconds: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Distribution | None:
    """The values themselves, or as many quantiles as are enough; None for fewer than ten."""
    if len(seconds) < 10:
        return None
    order = np.argsort(seconds)
    mass = np.ones(len(seconds)) if weights is None else weights[order]
    at = np.cumsum(mass) - mass / 2
    wanted = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * mass.sum()
    values = np.interp(wanted, at, np.asarray(seconds)[order])
    return Distribution(Kind.VALUES, values_s=tuple(np.clip(values, 0.0, 36_000.0).round(3).tolist()))


def _agents_a_day(placed: list[PastCall], zone_name: str) -> int:
    """The median number of agents who talked on a day."""
    zone = ZoneInfo(zone_name)
    pairs = {(datetime.fromtimestamp(c.planned_at_s, zone).date(), c.agent_id) for c in placed if c.agent_id}
    days = Counter(day for day, _ in pairs)
    return int(np.median(list(days.values()))) if days else 0
