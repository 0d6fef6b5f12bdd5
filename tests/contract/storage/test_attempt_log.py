"""The contract of AttemptLog and Ledger, on SQLite and PostgreSQL."""

import asyncio

import pytest

from campaigns.attempt import AttemptState, Move
from campaigns.lead import LeadChange, LeadState
from campaigns.outcome import Outcome
from storage.errors import StorageConflict
from storage.port import AnsweredCounts
from storage.sql.store import open_storage
from tests.contract.storage.conftest import House


async def test_given_a_free_lead_when_planned_then_the_attempt_is_there_and_holds_it(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    assert await house.storage.attempts.plan(attempt)
    assert await house.storage.attempts.get(attempt.attempt_id) == attempt
    held = await house.storage.leads.get(lead.lead_id)
    assert held is not None and (held.state, held.attempts) == (LeadState.IN_ATTEMPT, 1)


@pytest.mark.parametrize("state", [LeadState.CLOSED, LeadState.DNC, LeadState.IN_ATTEMPT])
async def test_given_a_lead_not_callable_when_planned_then_refused_and_nothing_is_written(
    house: House, state: LeadState
) -> None:
    lead = house.lead(1, state=state)
    await house.add(lead)
    attempt = house.attempt(lead)
    assert not await house.storage.attempts.plan(attempt)
    assert await house.storage.attempts.get(attempt.attempt_id) is None


async def test_given_a_number_on_dnc_when_planned_then_refused(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    await house.storage.dnc.add([lead.phone], "asked", 1.0)
    assert not await house.storage.attempts.plan(house.attempt(lead))


async def test_given_facts_of_numbers_when_more_happened_since_then_the_attempt_is_not_planned(house: House) -> None:
    lead, twin, other = house.lead(1), house.lead(1, list_id="l2"), house.lead(2)
    await house.add(lead, twin, other)
    await house.storage.dnc.add([other.phone], "asked", 1.0)
    before = await house.storage.ledger.facts([lead.phone, other.phone], 50.0)
    assert (before[lead.phone].contacts, before[lead.phone].on_dnc, before[other.phone].on_dnc) == ((), False, True)
    first = house.attempt(lead)
    assert await house.storage.attempts.plan(first, before[lead.phone].seen)
    assert await house.storage.attempts.plan(first, before[lead.phone].seen)  # its answer was lost
    assert not await house.storage.attempts.plan(house.attempt(twin, 101.0), before[lead.phone].seen)
    during = (await house.storage.ledger.facts([lead.phone], 50.0))[lead.phone]
    assert [contact.outcome for contact in during.contacts] == [None]
    _, end = first.move(AttemptState.ENDED, 103.0, Outcome.BUSY)
    await house.storage.attempts.end(end, LeadChange(lead.lead_id, LeadState.CLOSED, None, "busy"))
    assert not await house.storage.attempts.plan(house.attempt(twin, 104.0), during.seen)
    after = (await house.storage.ledger.facts([lead.phone], 50.0))[lead.phone]
    assert await house.storage.attempts.plan(house.attempt(twin, 105.0), after.seen)


async def test_given_an_answer_that_was_lost_when_planned_again_with_the_same_id_then_true_and_one_attempt(
    house: House,
) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    assert await house.storage.attempts.plan(attempt)
    assert await house.storage.attempts.plan(attempt)
    assert await house.storage.attempts.list("c") == [attempt]


async def test_given_two_nodes_that_race_for_the_same_leads_then_each_lead_has_one_live_attempt(
    house: House, url: str
) -> None:
    leads = [house.lead(n) for n in range(60)]
    await house.add(*leads)
    other = await open_storage(url, gather_s=0.0)
    try:
        mine = [house.storage.attempts.plan(house.attempt(lead)) for lead in leads]
        theirs = [other.attempts.plan(house.attempt(lead, node="n2")) for lead in reversed(leads)]
        won = await asyncio.gather(*mine, *theirs)
    finally:
        await other.close()
    assert sum(won) == 60
    live = await house.storage.attempts.unfinished("n1") + await house.storage.attempts.unfinished("n2")
    assert sorted(attempt.lead_id for attempt in live) == [lead.lead_id for lead in leads]


async def test_given_an_unknown_campaign_when_planned_then_a_conflict_and_the_lead_stays_free(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    object.__setattr__(attempt, "campaign_id", "nobody's")
    with pytest.raises(StorageConflict):
        await house.storage.attempts.plan(attempt)
    assert await house.storage.leads.due("c", 0.0, 5) == [lead]


async def test_given_a_failing_write_in_a_group_when_committed_then_only_its_caller_fails(house: House) -> None:
    leads = [house.lead(n) for n in range(20)]
    await house.add(*leads)
    attempts = [house.attempt(lead) for lead in leads]
    object.__setattr__(attempts[7], "campaign_id", "nobody's")
    results = await asyncio.gather(*map(house.storage.attempts.plan, attempts), return_exceptions=True)
    assert [isinstance(result, StorageConflict) for result in results] == [n == 7 for n in range(20)]
    assert len(await house.storage.attempts.unfinished("n1")) == 19


async def test_given_a_whole_call_when_read_back_then_moves_attempt_and_lead_tell_it(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    await house.storage.attempts.plan(attempt)
    walk = (AttemptState.DIALING, AttemptState.ANSWERED, AttemptState.CONNECTING, AttemptState.BRIDGED)
    made = []
    for n, state in enumerate(walk):
        agent = "anna" if state is AttemptState.BRIDGED else None
        attempt, move = attempt.move(state, 101.0 + n, agent_id=agent, detail=(("cause", 16), ("verdict", "human")))
        made.append(move)
        await house.storage.attempts.record(move, agent)
    attempt, move = attempt.move(AttemptState.ENDED, 110.0, Outcome.BRIDGED)
    await house.storage.attempts.end(move, LeadChange(lead.lead_id, LeadState.CLOSED, None, "bridged"))
    assert await house.storage.attempts.moves(attempt.attempt_id) == [*made, move]
    assert await house.storage.attempts.get(attempt.attempt_id) == attempt
    assert await house.storage.attempts.unfinished("n1") == []
    assert await house.storage.attempts.outcomes("c") == {Outcome.BRIDGED: 1}
    assert await house.storage.leads.counts("c") == {"closed": 1}


async def test_given_a_move_written_twice_then_it_is_one_fact_but_a_wrong_one_is_refused(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    await house.storage.attempts.plan(attempt)
    attempt, move = attempt.move(AttemptState.DIALING, 101.0)
    await house.storage.attempts.record(move)
    await house.storage.attempts.record(move)
    assert await house.storage.attempts.moves(attempt.attempt_id) == [move]
    _, early = attempt.move(AttemptState.RINGING, 102.0)
    _, end = attempt.move(AttemptState.ENDED, 103.0, Outcome.BUSY)
    await house.storage.attempts.end(end, LeadChange(lead.lead_id, LeadState.RETRY, 500.0, "busy"))
    with pytest.raises(StorageConflict, match="stands at ended"):
        await house.storage.attempts.record(early)


async def test_given_moves_written_together_then_each_is_kept_and_a_repeat_changes_nothing(house: House) -> None:
    leads = [house.lead(n) for n in range(2)]
    await house.add(*leads)
    first, second = [house.attempt(lead) for lead in leads]
    for each in (first, second):
        await house.storage.attempts.plan(each)
    first, dialing = first.move(AttemptState.DIALING, 101.0)
    first, ringing = first.move(AttemptState.RINGING, 102.0)
    for _ in range(2):
        await house.storage.attempts.record(ringing, None, (dialing,))
    assert await house.storage.attempts.moves(first.attempt_id) == [dialing, ringing]
    assert await house.storage.attempts.get(first.attempt_id) == first
    second, dialing = second.move(AttemptState.DIALING, 101.0)
    second, end = second.move(AttemptState.ENDED, 103.0, Outcome.BUSY)
    change = LeadChange(leads[1].lead_id, LeadState.RETRY, 500.0, "busy")
    for _ in range(2):
        await house.storage.attempts.end(end, change, (dialing,))
    assert await house.storage.attempts.moves(second.attempt_id) == [dialing, end]
    late = Move(second.attempt_id, AttemptState.DIALING, AttemptState.ANSWERED, 104.0)
    with pytest.raises(StorageConflict, match="stands at ended"):
        await house.storage.attempts.record(late, None, (dialing,))


async def test_given_an_end_repeated_after_the_lead_went_on_then_the_lead_is_left_alone(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    await house.storage.attempts.plan(attempt)
    _, end = attempt.move(AttemptState.ENDED, 103.0, Outcome.REFUSED)
    change = LeadChange(lead.lead_id, LeadState.RETRY, 500.0, "refused")
    await house.storage.attempts.end(end, change)
    assert await house.storage.attempts.plan(house.attempt(lead, 600.0))
    await house.storage.attempts.end(end, change)
    held = await house.storage.leads.get(lead.lead_id)
    assert held is not None and held.state is LeadState.IN_ATTEMPT


async def test_given_many_attempts_when_paged_then_every_one_comes_once_in_order(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    made = [await house.play(lead, Outcome.BUSY, 1000.0 * n) for n in range(1, 8)]
    first = await house.storage.attempts.list("c", 3)
    second = await house.storage.attempts.list("c", 100, first[-1].attempt_id)
    assert first + second == made
    assert await house.storage.attempts.outcomes("c", since_s=5000.0) == {Outcome.BUSY: 3}


async def test_given_answers_when_the_ledger_is_asked_then_people_in_the_window_are_counted(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    for at_s, outcome in ((100.0, Outcome.ABANDONED), (200.0, Outcome.BRIDGED), (300.0, Outcome.MACHINE)):
        await house.play(lead, outcome, at_s, answered=True)
    await house.play(lead, Outcome.CUSTOMER_HUNG_UP, 400.0, answered=True)
    ledger = house.storage.ledger
    assert await ledger.answered("c", 0.0, 1000.0) == AnsweredCounts(3, 1)
    assert await ledger.answered("c", 101.0, 201.0) == AnsweredCounts(1, 1)
    assert await ledger.answered("c", 102.0, 1000.0) == AnsweredCounts(2, 0)
    contacts = await ledger.contacts(lead.phone, 200.0)
    assert [contact.outcome for contact in contacts] == [Outcome.BRIDGED, Outcome.MACHINE, Outcome.CUSTOMER_HUNG_UP]


async def test_given_a_full_trunk_when_the_attempt_ends_then_the_lead_keeps_its_attempts(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    await house.storage.attempts.plan(attempt)
    _, move = attempt.move(AttemptState.ENDED, 110.0, Outcome.CONGESTION)
    change = LeadChange(lead.lead_id, LeadState.RETRY, 400.0, "congestion", gives_back_attempt=True)
    await house.storage.attempts.end(move, change)
    after = await house.storage.leads.get(lead.lead_id)
    assert after is not None and (after.state, after.attempts) == (LeadState.RETRY, 0)
