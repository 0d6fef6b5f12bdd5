"""What will happen to a simulated call: all of it is drawn when the call is placed.

The generator is used by nothing else, so the n-th call of a shift meets the same fate whatever the law.
"""

from dialer.pacing.compiled import lean
from dialer.pacing.desk import RINGING
from dialer.pacing.sim.floor import (
    BAD_NUMBER,
    CAMPAIGN,
    DELAY,
    GREETING,
    IN_FLIGHT,
    KIND,
    LIST,
    MACHINE,
    NEVER,
    NO_ANSWER,
    PERSON,
    PERSON_AT,
    PLACED,
    PLACED_AT,
    SINCE,
    STAGE,
    TALK,
    WRAP,
    WRONG,
    draw,
    set_due,
)
from dialer.pacing.sim.world import (
    AMD,
    BAD,
    BAD_AFTER_TABLE,
    EARLY,
    GREETING_TABLE,
    KNOWN_AS,
    MACHINE_AS_PERSON,
    MACHINE_DELAY_TABLE,
    MACHINES,
    PEOPLE,
    PERSON_AS_MACHINE,
    PERSON_DELAY_TABLE,
    RING_TABLE,
    RING_TIMEOUT_S,
    SECOND_LIST,
    TALK_TABLE,
    WRAP_TABLE,
)


@lean
def place(world, floor, rng, now_s, campaign, segment, people_factor, dead):  # type: ignore[no-untyped-def]
    """One call. Eight numbers are drawn whatever happens, so that calls keep their fates under every law."""
    u_list, u_kind, u_ring, u_delay = rng.random(), rng.random(), rng.random(), rng.random()
    u_talk, u_wrap, u_error, u_early = rng.random(), rng.random(), rng.random(), rng.random()
    at = 0
    if campaign == 1:
        at = int(world.number[SECOND_LIST])
    else:
        while at + 2 < world.segments.shape[1] and u_list >= world.segments[segment, at + 1]:
            at += 1
    people = min(world.shares[at, PEOPLE] * people_factor, 1.0)
    machines, bad = world.shares[at, MACHINES], world.shares[at, BAD]
    if u_kind < people:
        kind = PERSON
    elif u_kind < people + machines:
        kind = MACHINE
    elif u_kind < people + machines + bad:
        kind = BAD_NUMBER
    else:
        kind = NO_ANSWER
    rings_s = NEVER
    if kind == PERSON or kind == MACHINE:
        rings_s = draw(world.tables[4 * at + RING_TABLE], u_ring)
    elif kind == BAD_NUMBER:
        rings_s = draw(world.tables[4 * at + BAD_AFTER_TABLE], u_ring)
    if dead or rings_s >= world.number[RING_TIMEOUT_S]:
        kind, rings_s = NO_ANSWER, world.number[RING_TIMEOUT_S]
    i = int(floor.sums[IN_FLIGHT])
    floor.sums[IN_FLIGHT] += 1.0
    floor.calls[i, LIST] = world.shares[at, KNOWN_AS]
    floor.calls[i, STAGE], floor.calls[i, CAMPAIGN], floor.calls[i, KIND] = RINGING, campaign, kind
    error = world.number[PERSON_AS_MACHINE] if kind == PERSON else world.number[MACHINE_AS_PERSON]
    floor.calls[i, WRONG] = 1 if world.number[AMD] > 0 and u_error < error else 0
    floor.calls[i, PLACED_AT] = now_s
    floor.calls[i, SINCE] = now_s
    set_due(floor, len(floor.agents) + i, now_s + rings_s)
    delay_s = draw(world.tables[-PERSON_DELAY_TABLE] if kind == PERSON else world.tables[-MACHINE_DELAY_TABLE], u_delay)
    floor.calls[i, DELAY] = delay_s if world.number[AMD] > 0 else 0.0
    floor.calls[i, GREETING] = draw(world.tables[-GREETING_TABLE], u_delay)
    floor.calls[i, TALK] = draw(world.tables[4 * at + TALK_TABLE], u_talk)
    floor.calls[i, WRAP] = draw(world.tables[4 * at + WRAP_TABLE], u_wrap)
    if kind == PERSON and u_early < world.shares[at, EARLY]:
        floor.calls[i, WRONG] = 2  # gone before the verdict
        floor.calls[i, DELAY] *= u_early / world.shares[at, EARLY]
    if kind == MACHINE and (floor.calls[i, WRONG] == 1 or world.number[AMD] == 0):
        floor.calls[i, TALK], floor.calls[i, WRAP] = 5.0, 1.0  # the agent hears the voicemail and hangs up
    says_person = (kind == PERSON and floor.calls[i, WRONG] == 0) or (
        kind == MACHINE and (floor.calls[i, WRONG] == 1 or world.number[AMD] == 0)
    )
    floor.calls[i, PERSON_AT] = now_s + rings_s + floor.calls[i, DELAY] if says_person else NEVER
    floor.tally[campaign, PLACED] += 1.0
