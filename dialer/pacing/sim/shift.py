"""One simulated shift under one law: ticks, decisions, faults of the world. Compiled; `run_shift` is the way in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.pacing import baselines_core as base
from dialer.pacing import guarantee as promise
from dialer.pacing.cells import HOURS, Grain
from dialer.pacing.compiled import compiled, lean
from dialer.pacing.desk import AWAY, IDLE, RINGING, TALKING, Desk, View, desk
from dialer.pacing.forecast import ROWS
from dialer.pacing.hazard_core import (
    BELIEVED_CALLS,
    BELIEVED_PEOPLE,
    MIX_MEMORY,
    TURN_S,
    Terms,
    decide_at,
    look_again,
    must_look_again,
)
from dialer.pacing.shapes import Floats, Shapes
from dialer.pacing.sim.fate import place
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
    advance,
    become,
    draw,
    give_up,
    is_due,
    rest,
    serve,
)
from dialer.pacing.sim.world import (
    BREAK,
    BURST_EVERY_TABLE,
    BURST_FACTOR,
    BURST_LENGTH_TABLE,
    CALLS_PER_S,
    CAMPAIGNS,
    CAP,
    CHANNELS,
    CONNECT_MAX_S,
    DEAD,
    LENGTH_S,
    MEAN_RING_S,
    MEAN_TALK_S,
    MEAN_WRAP_S,
    RING_MIN_S,
    TICK_S,
)

# Laws by number.
MANUAL, PREVIEW, RATIO, VICIDIAL, WOMBAT, ISSABEL, AVERAGES, HAZARD = range(8)
ORACLE_CALLS, ORACLE_AGENTS = 1, 2  # bits
_MOST_PER_TICK = 400


class Choice(NamedTuple):
    """Which law, and its settings. knob: calls per agent, boost, highest level, or 1 to divide by the answer ratio."""

    law: int
    mode: int
    knob: float
    think_s: float  # manual, preview: an agent's seconds before each call
    oracle: int
    start_ratio: float
    give_up: bool
    mistaken_share: float  # upper bound of people among machine verdicts, as the centre knows it
    mistaken_z: float
    machine_share: float  # upper bound of machines among person verdicts, as agents tell it
    by_list: bool  # what is learned is kept for each list
    by_hour: bool  # and for each hour
    list_facts: float
    hour_facts: float


class Mind(NamedTuple):
    """What the law remembers, a first axis for campaigns: life tables as in `Shapes`, lookup tables, small states.

    memory: that of the law, then the shares of the lists among the calls placed last.
    """

    ring: Floats
    screen: Floats
    talk: Floats
    wrap: Floats
    tables: Floats
    memory: Floats
    states: Floats
    vicidial: Floats
    cells: Floats  # of the only campaign: those that share agents are learned as a whole each


class Table(NamedTuple):
    """Room for what a law looks at, made once: rows as in `View`, bool[calls], and its desk."""

    calls: Floats
    agents: Floats
    chosen: NDArray[np.bool_]
    desk: Desk


def lay(agents: int, capacity: int) -> Table:
    """A table for so many agents and calls in flight."""
    chosen: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
    return Table(np.zeros((capacity, 6)), np.zeros((agents, 4)), chosen, desk(agents + capacity))


@compiled
def run_shift(world, choice, settings, mind, floor, table, calls_rng, agents_rng):  # type: ignore[no-untyped-def]
    """Run a shift on `floor` (see `floor.empty`) to its end; the counts are left in it."""
    # Calls of compiled functions that take many arrays cost as much as an idle tick: none is made that is not needed.
    learn = choice.law >= AVERAGES
    number, sums, segments = world.number, floor.sums, world.segments
    tick_s, agents, allowance = number[TICK_S], len(floor.agents), 0.0
    ticks = int(number[LENGTH_S] / tick_s)
    burst_from, burst_to = draw(world.tables[-BURST_EVERY_TABLE], agents_rng.random()), -1.0
    segment = 0
    for tick in range(ticks + 1):
        now_s = tick * tick_s
        if is_due(floor, now_s):
            advance(world, floor, mind, learn, _grain(choice, mind, now_s), agents_rng, now_s)
        if tick == ticks:
            break
        if len(world.faults) > 0:
            _breaks(world, floor, now_s)
        if number[BURST_FACTOR] != 1.0 and now_s >= burst_from:
            burst_to = now_s + draw(world.tables[-BURST_LENGTH_TABLE], agents_rng.random())
            burst_from = burst_to + draw(world.tables[-BURST_EVERY_TABLE], agents_rng.random())
        while segment + 1 < len(segments) and segments[segment + 1, 0] <= now_s:
            segment += 1
        allowance = min(allowance + number[CALLS_PER_S] * tick_s, max(1.0, number[CALLS_PER_S]))
        if choice.law <= RATIO or choice.law == WOMBAT:
            if sums[N_AGENTS + IDLE] == 0.0:
                continue
        for turn in range(int(number[CAMPAIGNS])):
            campaign = (turn + tick) % int(number[CAMPAIGNS])
            calls = _plan(world, choice, settings, mind, floor, table, campaign, now_s, allowance)
            allowance -= calls
            if calls > 0:
                factor = number[BURST_FACTOR] if now_s < burst_to else 1.0
                before = int(sums[IN_FLIGHT])
                _place(world, floor, calls_rng, now_s, campaign, segment, factor, calls)
                if _lists(mind) > 1:
                    _note_mix(mind.memory[campaign], _lists(mind), floor, before)
    for i in range(agents):
        rest(world, floor, i, number[LENGTH_S])


@lean
def _lists(mind):  # type: ignore[no-untyped-def]
    # No division where there is one list: it is asked several times a tick.
    return 1 if mind.tables.shape[1] == ROWS else mind.tables.shape[1] // ROWS


@lean
def _grain(choice, mind, now_s):  # type: ignore[no-untyped-def]
    hour = -1
    if choice.by_hour and choice.law == HAZARD and len(mind.ring) == 1:
        hour = int(now_s / 3600.0) % HOURS
    return Grain(_lists(mind), hour, choice.list_facts, choice.hour_facts)


@lean
def _note_mix(memory, lists, floor, first):  # type: ignore[no-untyped-def]
    at = len(memory) - lists
    for i in range(first, int(floor.sums[IN_FLIGHT])):
        for each in range(at, len(memory)):
            memory[each] *= 1.0 - 1.0 / MIX_MEMORY
        memory[at + int(floor.calls[i, LIST])] += 1.0 / MIX_MEMORY


@lean
def _place(world, floor, rng, now_s, campaign, segment, people_factor, calls):  # type: ignore[no-untyped-def]
    """Place calls spread over the tick, as the engine does."""
    dead = False
    for k in range(len(world.faults)):
        dead = dead or (world.faults[k, 0] == DEAD and world.faults[k, 1] <= now_s < world.faults[k, 2])
    for k in range(calls):
        at_s = now_s + k * world.number[TICK_S] / calls
        place(world, floor, rng, at_s, campaign, segment, people_factor, dead)


@lean
def _breaks(world, floor, now_s):  # type: ignore[no-untyped-def]
    tick_s = world.number[TICK_S]
    for k in range(len(world.faults)):
        if world.faults[k, 0] != BREAK:
            continue
        out = world.faults[k, 1] <= now_s < world.faults[k, 1] + tick_s
        back = world.faults[k, 2] <= now_s < world.faults[k, 2] + tick_s
        for i in range(int(world.faults[k, 3]) if out or back else 0):
            _leave(world, floor, i, now_s) if out else _return(world, floor, i, now_s)


@lean
def _leave(world, floor, i, now_s):  # type: ignore[no-untyped-def]
    floor.agents[i, A_LEAVES] = 1.0
    if floor.agents[i, A_KIND] == IDLE:
        rest(world, floor, i, now_s)
        become(floor, i, AWAY)


@lean
def _return(world, floor, i, now_s):  # type: ignore[no-untyped-def]
    floor.agents[i, A_LEAVES] = 0.0
    if floor.agents[i, A_KIND] == AWAY and floor.due[i] >= NEVER:
        rest(world, floor, i, now_s)
        become(floor, i, IDLE)
        serve(world, floor, i, now_s)


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
def _plan(world, choice, settings, mind, floor, table, campaign, now_s, allowance):  # type: ignore[no-untyped-def]
    """How many calls this campaign places now, within lines and rate; gives calls up by itself."""
    counts = _counts(world, floor, campaign, now_s)
    room = min(int(world.number[CHANNELS]) - counts.in_flight - counts.bridged, int(allowance))
    room = max(0, min(room, len(floor.due) - len(floor.agents) - counts.in_flight, _MOST_PER_TICK))
    law, wanted = choice.law, 0
    if law == HAZARD:
        return _hazard(world, choice, settings, mind, floor, table, campaign, now_s, room)
    if law == MANUAL or law == PREVIEW:
        ready = 0
        for i in range(len(floor.agents)):
            if floor.agents[i, A_KIND] == IDLE and now_s - floor.agents[i, A_SINCE] >= choice.think_s:
                ready += 1
        wanted = max(0, ready - counts.in_flight)
    elif law == RATIO:
        wanted = base.ratio(counts, choice.knob)
    elif law == VICIDIAL:
        wanted = base.vicidial(mind.vicidial[campaign], counts, choice.mode, choice.knob)
    elif law == WOMBAT:
        wanted = base.wombat(counts, choice.knob, 0)
    elif law == ISSABEL:
        wanted = base.issabel(counts, _soon_free(world, floor, now_s), choice.knob > 0.0)
    elif law == AVERAGES:
        wanted = _averages(world, settings, mind.states[campaign], counts)
    return min(wanted, room)


@lean
def _soon_free(world, floor, now_s):  # type: ignore[no-untyped-def]
    """Issabel: agents whose call is long over due by an exponential with the mean talk."""
    mean_s = max(1.0, world.number[MEAN_TALK_S])
    count = 0
    for i in range(len(floor.agents)):
        if floor.agents[i, A_KIND] == TALKING:
            so_far_s = now_s - floor.agents[i, A_SINCE] + world.number[MEAN_RING_S]
            # The logarithm of 0.03 is -3.5: most talks need no exponential to be told from those.
            if so_far_s > 3.4 * mean_s and 1.0 - np.exp(-so_far_s / mean_s) >= 0.97:
                count += 1
    return count


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
    promise.settle(settings, state, counts.people, counts.abandoned, 0.0, counts.now_s, counts.left_s)
    if not promise.may_over_dial(settings, state, 0.0, counts.now_s, counts.left_s):
        return max(0, counts.idle - counts.in_flight)
    return base.averages(
        counts,
        world.number[MEAN_TALK_S],
        world.number[MEAN_WRAP_S],
        world.number[MEAN_RING_S],
        promise.theta_of(state),
    )


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
    view = _view(choice, floor, table, _lists(mind), campaign, now_s)
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
        grain = _grain(choice, mind, now_s)
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
                give_up(floor, i, mind, now_s, _grain(choice, mind, now_s))
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
