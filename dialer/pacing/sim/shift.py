"""One simulated shift under one law: ticks, decisions, faults of the world. Compiled; `run_shift` is the way in."""

from dialer.pacing.compiled import bare, lean
from dialer.pacing.desk import AWAY, IDLE
from dialer.pacing.hazard_core import (
    MIX_MEMORY,
)
from dialer.pacing.sim.choice import HAZARD, RATIO, WOMBAT
from dialer.pacing.sim.events import advance, serve
from dialer.pacing.sim.fate import place
from dialer.pacing.sim.floor import (
    A_KIND,
    A_LEAVES,
    IN_FLIGHT,
    LIST,
    N_AGENTS,
    NEVER,
    become,
    blocks_of,
    draw,
    is_due,
    rest,
)
from dialer.pacing.sim.turn import decide, grain_of, lists_of, pass_over
from dialer.pacing.sim.world import (
    BREAK,
    BURST_EVERY_TABLE,
    BURST_FACTOR,
    BURST_LENGTH_TABLE,
    CALLS_PER_S,
    CAMPAIGNS,
    DEAD,
    LENGTH_S,
    TICK_S,
)


@bare
def run_shift(world, choice, settings, mind, floor, table, calls_rng, agents_rng):  # type: ignore[no-untyped-def]
    """Run a shift on `floor` (see `floor.empty`) to its end; the counts are left in it."""
    learn = choice.law == HAZARD
    for_idle = choice.law <= RATIO or choice.law == WOMBAT  # says nothing while everybody is busy
    number, sums, segments = world.number, floor.sums, world.segments
    restless = len(world.faults) > 0 or number[BURST_FACTOR] != 1.0
    tick_s, agents, campaigns = number[TICK_S], len(floor.agents), int(number[CAMPAIGNS])
    allowance, most = 0.0, max(1.0, number[CALLS_PER_S])
    ticks = int(number[LENGTH_S] / tick_s)
    burst_from, burst_to = draw(world.tables[-BURST_EVERY_TABLE], agents_rng.random()), -1.0
    segment, tick = 0, 0
    while True:
        now_s = tick * tick_s
        if is_due(floor, now_s):
            advance(world, floor, mind, learn, grain_of(choice, mind, now_s), agents_rng, now_s)
        if tick == ticks:
            break
        if len(world.faults) > 0:
            _breaks(world, floor, now_s)
        if number[BURST_FACTOR] != 1.0 and now_s >= burst_from:
            burst_to = now_s + draw(world.tables[-BURST_LENGTH_TABLE], agents_rng.random())
            burst_from = burst_to + draw(world.tables[-BURST_EVERY_TABLE], agents_rng.random())
        while segment + 1 < len(segments) and segments[segment + 1, 0] <= now_s:
            segment += 1
        allowance = min(allowance + number[CALLS_PER_S] * tick_s, most)
        quiet_s = NEVER
        for turn in range(0 if for_idle and sums[N_AGENTS + IDLE] == 0.0 else campaigns):
            campaign = (turn + tick) % campaigns
            calls, until_s = decide(world, choice, settings, mind, floor, table, campaign, now_s, allowance)
            quiet_s = min(quiet_s, until_s)
            if calls > 0:
                quiet_s = now_s
                allowance -= calls
                factor = number[BURST_FACTOR] if now_s < burst_to else 1.0
                before = int(sums[IN_FLIGHT])
                _place(world, floor, calls_rng, now_s, campaign, segment, factor, calls)
                if lists_of(mind) > 1:
                    _note_mix(mind.memory[campaign], lists_of(mind), floor, before)
        following = tick + 1
        if quiet_s > now_s and allowance == most and not restless:
            following = max(following, _first_tick(floor, min(quiet_s, number[LENGTH_S]), tick_s, ticks))
            pass_over(choice, mind, floor, following - tick - 1)
        tick = following
    for i in range(agents):
        rest(world, floor, i, number[LENGTH_S])


@lean
def _first_tick(floor, quiet_s, tick_s, ticks):  # type: ignore[no-untyped-def]
    """The first tick at which something has happened, or the law must look again: those before it change nothing."""
    for block in range(blocks_of(floor)):
        quiet_s = min(quiet_s, floor.soonest[block])
    tick = int(quiet_s / tick_s)
    return min(ticks, tick + 1 if tick * tick_s < quiet_s else tick)


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
