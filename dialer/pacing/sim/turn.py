"""One decision of a law in a simulated shift: how many calls a campaign places now. Compiled."""

import numpy as np

from dialer.pacing import baselines_core as base
from dialer.pacing import guarantee as promise
from dialer.pacing.cells import HOURS, Grain
from dialer.pacing.compiled import lean
from dialer.pacing.desk import AWAY, IDLE, RINGING, TALKING, View
from dialer.pacing.forecast import ROWS
from dialer.pacing.hazard_core import (
    BELIEVED_CALLS,
    BELIEVED_PEOPLE,
    TURN_S,
    Terms,
    decide_at,
    look_again,
    must_look_again,
)
from dialer.pacing.shapes import Shapes
from dialer.pacing.sim.choice import (
    AVERAGES,
    HAZARD,
    ISSABEL,
    MANUAL,
    ORACLE_AGENTS,
    ORACLE_CALLS,
    PREVIEW,
    RATIO,
    VICIDIAL,
    WOMBAT,
)
from dialer.pacing.sim.events import give_up
from dialer.pacing.sim.floor import (
    A_KIND,
    A_LEAVES,
    A_LIST,
    A_SINCE,
    A_WRAP,
    ANSWERS,
    CAMPAIGN,
    IN_FLIGHT,
    LIST,
    N_AGENTS,
    N_WAITING,
    NEVER,
    PERSON_AT,
    PLACED,
    PLACED_AT,
    SAID_ABANDONED,
    SAID_MACHINES,
    SAID_PEOPLE,
    SINCE,
    STAGE,
)
from dialer.pacing.sim.world import (
    CAMPAIGNS,
    CAP,
    CHANNELS,
    CONNECT_MAX_S,
    LENGTH_S,
    MEAN_RING_S,
    MEAN_TALK_S,
    MEAN_WRAP_S,
    RING_MIN_S,
)

_MOST_PER_TICK = 400
# So much too early is looked again, lest a rounded sum be too late.
_EARLY_S = 1e-6


@lean
def lists_of(mind):  # type: ignore[no-untyped-def]
    """How many lists are told apart."""
    # No division where there is one list: it is asked several times a tick.
    return 1 if mind.tables.shape[1] == ROWS else mind.tables.shape[1] // ROWS


@lean
def grain_of(choice, mind, now_s):  # type: ignore[no-untyped-def]
    """How finely is looked now."""
    hour = -1
    if choice.by_hour and choice.law == HAZARD and len(mind.ring) == 1:
        hour = int(now_s / 3600.0) % HOURS
    return Grain(lists_of(mind), hour, choice.list_facts, choice.hour_facts)


@lean
def _counts(world, floor, campaign, now_s):  # type: ignore[no-untyped-def]
    sums = floor.sums
    idle, waiting, bridged = int(sums[N_AGENTS + IDLE]), int(sums[N_WAITING]), int(sums[N_AGENTS + TALKING])
    working = len(floor.agents) - int(sums[N_AGENTS + AWAY])
    tally = floor.tally[campaign]
    return base.Counts(
        idle, waiting, len(floor.agents), working, int(floor.sums[IN_FLIGHT]), bridged, tally[PLACED], tally[ANSWERS],
        tally[SAID_PEOPLE], tally[SAID_ABANDONED], now_s, world.number[LENGTH_S] - now_s, world.number[CAP],
    )  # fmt: skip


@lean
def decide(world, choice, settings, mind, floor, table, campaign, now_s, allowance):  # type: ignore[no-untyped-def]
    """How many calls this campaign places now, within lines and rate; gives calls up by itself.

    And until when it would say so again while nothing happens: `now_s` when that cannot be told.
    """
    counts = _counts(world, floor, campaign, now_s)
    room = min(int(world.number[CHANNELS]) - counts.in_flight - counts.bridged, int(allowance))
    room = max(0, min(room, len(floor.due) - len(floor.agents) - counts.in_flight, _MOST_PER_TICK))
    if choice.law == HAZARD:
        return _hazard(world, choice, settings, mind, floor, table, campaign, now_s, room), now_s
    wanted, until_s = _simple(world, choice, settings, mind, floor, campaign, counts)
    return min(wanted, room), until_s


@lean
def _simple(world, choice, settings, mind, floor, campaign, counts):  # type: ignore[no-untyped-def]
    """`decide` of a law that looks at counts, before limits."""
    law, wanted, until_s = choice.law, 0, NEVER
    if law == MANUAL or law == PREVIEW:
        ready, until_s = _ready(choice, floor, counts.now_s)
        wanted = max(0, ready - counts.in_flight)
    elif law == RATIO:
        wanted = base.ratio(counts, choice.knob)
    elif law == VICIDIAL:
        wanted = base.vicidial(mind.vicidial[campaign], counts, choice.mode, choice.knob)
        until_s = base.vicidial_until(mind.vicidial[campaign])
    elif law == WOMBAT:
        wanted = base.wombat(counts, choice.knob, 0)
    elif law == ISSABEL:
        soon_free, until_s = _soon_free(world, floor, counts.now_s)
        wanted = base.issabel(counts, soon_free, choice.knob > 0.0)
    elif law == AVERAGES:
        wanted, until_s = _averages(world, settings, mind.states[campaign], counts)
    return wanted, until_s


@lean
def pass_over(choice, mind, floor, ticks):  # type: ignore[no-untyped-def]
    """Nothing was looked at for so many ticks, for nothing happened: what a law would have noted in them."""
    if choice.law != VICIDIAL:
        return
    idle, waiting = int(floor.sums[N_AGENTS + IDLE]), int(floor.sums[N_WAITING])
    for campaign in range(len(mind.vicidial)):
        base.vicidial_samples(mind.vicidial[campaign], idle, waiting, ticks)


@lean
def _ready(choice, floor, now_s):  # type: ignore[no-untyped-def]
    """Agents who have been idle long enough to have thought, and when the next one will have."""
    ready, until_s = 0, NEVER
    for i in range(len(floor.agents)):
        if floor.agents[i, A_KIND] == IDLE:
            if now_s - floor.agents[i, A_SINCE] >= choice.think_s:
                ready += 1
            else:
                until_s = min(until_s, floor.agents[i, A_SINCE] + choice.think_s - _EARLY_S)
    return ready, until_s


@lean
def _soon_free(world, floor, now_s):  # type: ignore[no-untyped-def]
    """Issabel: agents whose call is long over due by an exponential with the mean talk.

    And until when those are all.
    """
    mean_s = max(1.0, world.number[MEAN_TALK_S])
    count, until_s = 0, NEVER
    for i in range(len(floor.agents)):
        if floor.agents[i, A_KIND] == TALKING:
            so_far_s = now_s - floor.agents[i, A_SINCE] + world.number[MEAN_RING_S]
            # The logarithm of 0.03 is -3.5: most talks need no exponential to be told from those.
            if so_far_s <= 3.4 * mean_s:
                until_s = min(until_s, now_s + 3.4 * mean_s - so_far_s - _EARLY_S)
            elif 1.0 - np.exp(-so_far_s / mean_s) >= 0.97:
                count += 1
            else:
                until_s = now_s
    return count, until_s


@lean
def _settle(world, choice, settings, state, floor, campaign, now_s):  # type: ignore[no-untyped-def]
    tally = floor.tally[campaign]
    people = tally[SAID_PEOPLE] * (1.0 - choice.machine_share)
    if choice.mistaken_share == 0.0 and state[promise.BEGAN_S] >= 0.0:
        if people == state[promise.PEOPLE] and tally[SAID_ABANDONED] == state[promise.ABANDONED]:
            return
    mistaken = choice.mistaken_share * tally[SAID_MACHINES]
    mistaken += choice.mistaken_z * np.sqrt(mistaken)
    promise.settle(
        settings,
        state,
        people + mistaken,
        tally[SAID_ABANDONED],
        mistaken,
        now_s,
        world.number[LENGTH_S] - now_s,
    )


@lean
def _averages(world, settings, state, counts):  # type: ignore[no-untyped-def]
    if (
        state[promise.BEGAN_S] < 0.0
        or counts.people != state[promise.PEOPLE]
        or counts.abandoned != state[promise.ABANDONED]
    ):
        promise.settle(settings, state, counts.people, counts.abandoned, 0.0, counts.now_s, counts.left_s)
    wanted = base.averages(
        counts,
        world.number[MEAN_TALK_S],
        world.number[MEAN_WRAP_S],
        world.number[MEAN_RING_S],
        promise.theta_of(state),
    )
    alone = max(0, counts.idle - counts.in_flight)
    if wanted > alone and not promise.may_over_dial(settings, state, 0.0, counts.now_s, counts.left_s):
        return alone, counts.now_s
    return wanted, NEVER


@lean
def _sharing(world, settings, mind, floor, campaign, now_s, rival_calls):  # type: ignore[no-untyped-def]
    """What `sharing.terms_between` says, of two campaigns: (my turn, theta of the rival, its share, it owes)."""
    campaigns = int(world.number[CAMPAIGNS])
    if campaigns == 1:
        return True, 1.0, -1.0, False
    left_s, other = world.number[LENGTH_S] - now_s, 1 - campaign
    own_debt = promise.owes(settings, mind.states[campaign], now_s, left_s)
    rival_debt = promise.owes(settings, mind.states[other], now_s, left_s)
    my_turn = int(now_s / TURN_S) % campaigns == campaign
    if own_debt != rival_debt:
        my_turn = own_debt
    share = _share(floor, other, rival_calls)
    return my_turn, promise.theta_of(mind.states[other]), share, rival_debt and not own_debt


@lean
def _share(floor, campaign, in_flight):  # type: ignore[no-untyped-def]
    tally = floor.tally[campaign]
    return (tally[SAID_PEOPLE] + BELIEVED_PEOPLE) / (max(0.0, tally[PLACED] - in_flight) + BELIEVED_CALLS)


@lean
def _hazard(world, choice, settings, mind, floor, table, campaign, now_s, room):  # type: ignore[no-untyped-def]
    state = mind.states[campaign]
    _settle(world, choice, settings, state, floor, campaign, now_s)
    view = _view(choice, floor, table, lists_of(mind), campaign, now_s)
    own = 0
    for i in range(len(view.calls)):
        own += floor.calls[i, CAMPAIGN] == campaign
    my_turn, theta_most, rival_share, rival_owes = _sharing(
        world, settings, mind, floor, campaign, now_s, len(view.calls) - own
    )
    terms = Terms(
        room, world.number[CAMPAIGNS] > 1, my_turn, choice.start_ratio, world.number[LENGTH_S] - now_s,
        world.number[RING_MIN_S], world.number[CONNECT_MAX_S], choice.give_up, own,
        theta_most, rival_share, rival_owes,
    )  # fmt: skip
    memory, tables = mind.memory[campaign], mind.tables[campaign]
    if must_look_again(memory, now_s):
        shapes = Shapes(mind.ring[campaign], mind.screen[campaign], mind.talk[campaign], mind.wrap[campaign])
        grain = grain_of(choice, mind, now_s)
        look_again(
            shapes, mind.cells, grain, memory[len(memory) - grain.lists :], tables, memory, view, now_s, terms.connect_s
        )
    chosen = table.chosen[: len(view.calls)]
    number, _why, _risk, gone = decide_at(
        table.desk, tables, memory, memory, settings, state, view, terms, now_s, chosen
    )
    if gone > 0:
        for i in range(len(chosen) - 1, -1, -1):
            if chosen[i]:
                chosen[i] = False
                give_up(floor, i, mind, now_s, grain_of(choice, mind, now_s))
    return number


@lean
def _view(choice, floor, table, lists, campaign, now_s):  # type: ignore[no-untyped-def]
    in_flight, staff = floor.calls, floor.agents
    calls = table.calls[: int(floor.sums[IN_FLIGHT])]
    for i in range(len(calls)):
        stage = in_flight[i, STAGE]
        since_s = in_flight[i, PLACED_AT] if stage == RINGING else in_flight[i, SINCE]
        calls[i, 0], calls[i, 1] = stage, max(0.0, now_s - since_s)
        calls[i, 2] = calls[i, 1] if in_flight[i, CAMPAIGN] == campaign else 0.0
        if lists > 1:
            calls[i, 4] = in_flight[i, LIST]
        calls[i, 5] = 1.0 if in_flight[i, CAMPAIGN] != campaign else 0.0
        calls[i, 3] = in_flight[i, PERSON_AT] - now_s if choice.oracle & ORACLE_CALLS else -1.0
    agents = table.agents
    for i in range(len(agents)):
        kind = staff[i, A_KIND]
        agents[i, 0] = AWAY if staff[i, A_LEAVES] > 0 else kind
        agents[i, 1] = now_s - staff[i, A_SINCE]
        agents[i, 2] = -1.0
        if lists > 1:
            agents[i, 3] = staff[i, A_LIST]
        if choice.oracle & ORACLE_AGENTS:
            agents[i, 2] = floor.due[i] - now_s + (staff[i, A_WRAP] if kind == TALKING else 0.0)
    return View(calls, agents)
