"""The simulated centre between two decisions: calls that ring, answer, wait; agents that talk and leave.

What will happen to a call was drawn when it was placed (`fate`).
"""

from dialer.pacing import cells
from dialer.pacing import shapes as life
from dialer.pacing.compiled import bare, lean
from dialer.pacing.desk import AWAY, IDLE, RINGING, SCREENING, TALKING, WAITING, WRAPPING
from dialer.pacing.hazard_core import ENDED_CALLS, rang
from dialer.pacing.sim.floor import (
    A_DEBT,
    A_INTERRUPTED,
    A_KIND,
    A_LEAVES,
    A_LIST,
    A_SINCE,
    A_WRAP,
    ABANDONED,
    ANSWERS,
    AS_MACHINE,
    BAD_NUMBER,
    BLOCK,
    CAMPAIGN,
    DEAD_NUMBER,
    DELAY,
    GIVEN_UP,
    GREETING,
    HUNG_UP,
    INTERRUPTED,
    KIND,
    LEFT_EARLY,
    LIST,
    MACHINE,
    MISTAKEN,
    N_WAITING,
    NEVER,
    NOT_ANSWERED,
    PERSON,
    PERSON_AT,
    PLACED_AT,
    SAID_ABANDONED,
    SAID_MACHINES,
    SAID_PEOPLE,
    SINCE,
    STAGE,
    TAKEN_BACK,
    TRUE_ABANDONED,
    TRUE_PEOPLE,
    WRAP_UPS,
    WRONG,
    become,
    blocks_of,
    draw,
    idle_longest,
    interruptible,
    longest_waiting,
    remove,
    rest,
    set_due,
    talk,
)
from dialer.pacing.sim.world import (
    CLOCK,
    CONNECT_MAX_S,
    INTERRUPT_BACK_S,
    PAUSE_SHARE,
    PAUSE_TABLE,
)


@bare
def give_up(floor, i, mind, now_s, grain):  # type: ignore[no-untyped-def]
    """Take a ringing call back; how long it would have rung stays unknown."""
    campaign = int(floor.calls[i, CAMPAIGN])
    floor.tally[campaign, GIVEN_UP] += 1.0
    _rang(floor, i, mind, now_s, 0, grain)
    remove(floor, i, TAKEN_BACK, -1, now_s)


@lean
def _rang(floor, i, mind, now_s, way, grain):  # type: ignore[no-untyped-def]
    """Learn how call i's ringing ended."""
    campaign, lasted_s = int(floor.calls[i, CAMPAIGN]), now_s - floor.calls[i, PLACED_AT]
    if rang(mind.ring[campaign], mind.memory[campaign], lasted_s, way) and cells.finely(grain):
        cells.learn(mind.cells, grain, told(grain, floor.calls[i, LIST]), cells.RING, int(lasted_s), way)


@lean
def told(grain, which):  # type: ignore[no-untyped-def]
    """The number by which a list is learned."""
    return int(which) if grain.lists > 1 else 0


@lean
def call_event(world, floor, i, mind, learn, grain, now_s):  # type: ignore[no-untyped-def]
    """The next thing happens to call i."""
    campaign, kind, stage = int(floor.calls[i, CAMPAIGN]), floor.calls[i, KIND], floor.calls[i, STAGE]
    minute = min(int(now_s / 60.0), len(floor.minutes) - 1)
    if stage == RINGING:
        answered = kind == PERSON or kind == MACHINE
        if learn:
            _rang(floor, i, mind, now_s, life.FIRST if answered else life.SECOND, grain)
        if not answered:
            remove(floor, i, DEAD_NUMBER if kind == BAD_NUMBER else NOT_ANSWERED, -1, now_s)
            return
        floor.tally[campaign, ANSWERS] += 1.0
        floor.calls[i, STAGE], floor.calls[i, SINCE] = SCREENING, now_s
        set_due(floor, len(floor.agents) + i, now_s + floor.calls[i, DELAY])
        return
    if stage == WAITING:  # nobody in time
        floor.tally[campaign, SAID_ABANDONED] += 1.0
        if kind == PERSON:
            floor.tally[campaign, TRUE_ABANDONED] += 1.0
            floor.minutes[minute, 1] += 1.0
        remove(floor, i, ABANDONED, -1, now_s)
        return
    person = floor.calls[i, PERSON_AT] < NEVER
    if learn:
        mind.memory[campaign, ENDED_CALLS] += 1.0
        way = life.FIRST if person else life.SECOND
        last_bin = int(floor.calls[i, DELAY] / life.SCREEN_BIN_S)
        life.note(mind.screen[campaign], last_bin, way, life.SCREEN_MEMORY)
        if cells.finely(grain):
            cells.learn(mind.cells, grain, told(grain, floor.calls[i, LIST]), cells.SCREEN, last_bin, way)
    if not person:
        if floor.calls[i, WRONG] == 2:
            floor.tally[campaign, LEFT_EARLY] += 1.0
        else:
            floor.tally[campaign, SAID_MACHINES] += 1.0
            if kind == PERSON:
                floor.tally[campaign, MISTAKEN] += 1.0
                floor.tally[campaign, TRUE_PEOPLE] += 1.0
                floor.minutes[minute, 0] += 1.0
                floor.minutes[minute, 2] += 1.0
        remove(floor, i, HUNG_UP if floor.calls[i, WRONG] == 2 else AS_MACHINE, -1, now_s)
        return
    floor.tally[campaign, SAID_PEOPLE] += 1.0
    if kind == PERSON:
        floor.tally[campaign, TRUE_PEOPLE] += 1.0
        floor.minutes[minute, 0] += 1.0
    _to_agent(world, floor, i, mind, learn, grain, now_s)


@lean
def _to_agent(world, floor, i, mind, learn, grain, now_s):  # type: ignore[no-untyped-def]
    answered_s = floor.calls[i, SINCE]
    floor.calls[i, STAGE], floor.calls[i, SINCE] = WAITING, now_s
    floor.sums[N_WAITING] += 1.0
    agent = idle_longest(floor)
    if agent < 0:
        agent = interruptible(world, floor, now_s)
        if agent >= 0:
            if learn:
                _worked(floor, agent, mind, grain, cells.WRAP, int(now_s - floor.agents[agent, A_SINCE]), 0, 1)
            floor.agents[agent, A_DEBT] += floor.due[agent] - now_s + world.number[INTERRUPT_BACK_S]
            floor.agents[agent, A_INTERRUPTED] += 1
            floor.sums[INTERRUPTED] += 1.0
    if agent >= 0:
        talk(world, floor, agent, i, now_s)
        return
    began_s = now_s
    if world.number[CLOCK] == 0:
        began_s = answered_s
    elif world.number[CLOCK] == 2:
        began_s = answered_s + floor.calls[i, GREETING]
    set_due(floor, len(floor.agents) + i, max(now_s, began_s + world.number[CONNECT_MAX_S]))


@lean
def _worked(floor, i, mind, grain, part, last_bin, way, campaigns):  # type: ignore[no-untyped-def]
    """Learn how a talk or a wrap-up of agent i ended."""
    for campaign in range(campaigns):
        if part == cells.TALK:
            life.note(mind.talk[campaign], last_bin, way, life.TALK_MEMORY)
        else:
            life.note(mind.wrap[campaign], last_bin, way, life.WRAP_MEMORY)
    if cells.finely(grain):
        cells.learn(mind.cells, grain, told(grain, floor.agents[i, A_LIST]), part, last_bin, way)


@lean
def agent_event(world, floor, i, mind, learn, grain, rng, now_s):  # type: ignore[no-untyped-def]
    """A talk, a wrap-up or a pause of agent i is over."""
    kind, lasted_s = floor.agents[i, A_KIND], now_s - floor.agents[i, A_SINCE]
    rest(world, floor, i, now_s)
    if kind == TALKING:
        become(floor, i, WRAPPING)
        set_due(floor, i, now_s + floor.agents[i, A_WRAP])
        if learn:
            _worked(floor, i, mind, grain, cells.TALK, life.talk_bin(lasted_s), life.FIRST, len(mind.talk))
        return
    if kind == WRAPPING:
        floor.sums[WRAP_UPS] += 1.0
        pauses = world.number[PAUSE_SHARE] > 0.0 and rng.random() < world.number[PAUSE_SHARE]
        away = pauses or floor.agents[i, A_LEAVES] > 0
        if learn:
            # Who pauses after a wrap-up was not free after it: it lived through every bin.
            last_bin, way = (life.WRAP_BINS, 0) if away else (int(lasted_s), life.FIRST)
            _worked(floor, i, mind, grain, cells.WRAP, last_bin, way, len(mind.wrap))
        if pauses and floor.agents[i, A_LEAVES] == 0:
            become(floor, i, AWAY)
            set_due(floor, i, now_s + draw(world.tables[-PAUSE_TABLE], rng.random()))
            return
    set_due(floor, i, NEVER)
    become(floor, i, AWAY if floor.agents[i, A_LEAVES] else IDLE)
    if floor.agents[i, A_KIND] == IDLE:
        serve(world, floor, i, now_s)


@lean
def serve(world, floor, agent, now_s):  # type: ignore[no-untyped-def]
    """An agent came free: whoever waits longest is connected."""
    call = longest_waiting(floor)
    if call >= 0:
        talk(world, floor, agent, call, now_s)


@bare
def advance(world, floor, mind, learn, grain, rng, until_s):  # type: ignore[no-untyped-def]
    """Everything that happens up to `until_s`, in order of time."""
    due, soonest, agents = floor.due, floor.soonest, len(floor.agents)
    while True:
        next_s, block, at = until_s, -1, -1
        for i in range(blocks_of(floor)):
            if soonest[i] <= next_s:
                next_s, block = soonest[i], i
        if block < 0:
            return
        for i in range(block * BLOCK, min((block + 1) * BLOCK, len(due))):
            if due[i] <= next_s:
                at = i
        if at < agents:
            agent_event(world, floor, at, mind, learn, grain, rng, next_s)
        else:
            call_event(world, floor, at - agents, mind, learn, grain, next_s)
