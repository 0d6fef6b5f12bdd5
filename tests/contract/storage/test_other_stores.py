"""The contracts of the smaller stores, on SQLite and PostgreSQL."""

from dataclasses import dataclass, replace

import pytest

from campaigns.attempt import AttemptState
from campaigns.campaign import DialMode
from campaigns.lead import LeadChange, LeadState
from campaigns.outcome import Outcome
from dialer.events import DialerEvent
from dialer.pacing.hazard import HazardLaw
from server.pacing_past import LawMaker
from storage.errors import StorageConflict
from storage.port import (
    AgentStateChange,
    AuditEvent,
    CampaignState,
    Consent,
    Disposition,
    RecordingState,
    StoredAgent,
    StoredCampaign,
    StoredRecording,
)
from storage.sql.history import SqlHistory
from storage.sql.store import SqlStorage
from tests.contract.storage.conftest import House
from tests.unit.dialer.house import CAMPAIGN


@dataclass(frozen=True)
class Standing:
    """A clock that stands at one moment."""

    at_s: float

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


async def test_given_a_campaign_when_changed_then_its_state_and_lists_follow(house: House) -> None:
    store = house.storage.campaigns
    await store.put(StoredCampaign("c", "C2", "x = 2", 99.0, 2.0, CampaignState.PAUSED, ("l2", "l1")))
    expected = StoredCampaign("c", "C2", "x = 2", 1.0, 2.0, CampaignState.PAUSED, ("l2", "l1"))
    assert await store.get("c") == expected
    await store.set_state("c", CampaignState.RUNNING, 3.0)
    assert [campaign.state for campaign in await store.list()] == [CampaignState.RUNNING]
    assert await store.list(after="c") == []
    with pytest.raises(StorageConflict, match="does not exist"):
        await store.set_state("d", CampaignState.RUNNING, 3.0)
    with pytest.raises(StorageConflict, match="l9 does not exist"):
        await store.put(StoredCampaign("c", "C3", "", 1.0, 4.0, list_ids=("l1", "l9")))
    assert (await store.get("c")) is not None and (await store.list())[0].name == "C2"


async def test_given_an_agents_day_when_read_back_then_changes_are_in_order_and_the_last_is_known(
    storage: SqlStorage,
) -> None:
    agent = StoredAgent("a", "Anna", "PJSIP/a", {"es": 3, "sales": 1})
    await storage.agents.put(agent)
    await storage.agents.put(StoredAgent("b", "Bo", "PJSIP/b", active=False))
    assert await storage.agents.get("a") == agent
    assert [found.agent_id for found in await storage.agents.list(after="a")] == ["b"]
    day = [AgentStateChange(f"x{n}", "a", "s1", state, float(n), "why") for n, state in enumerate(("ready", "pause"))]
    for change in (*day, day[0]):
        await storage.agents.record(change)
    assert await storage.agents.changes("a") == day
    assert await storage.agents.changes("a", since_s=1.0) == day[1:]
    assert await storage.agents.last_changes() == {"a": day[1]}
    with pytest.raises(StorageConflict):
        await storage.agents.record(AgentStateChange("x9", "nobody", "s", "ready", 1.0))


async def test_given_a_disposition_sent_twice_then_it_is_one_fact(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = await house.play(lead, Outcome.BRIDGED)
    disposition = Disposition("cmd1", attempt.attempt_id, lead.lead_id, "anna", "sale", 120.0, "note")
    change = LeadChange(lead.lead_id, LeadState.CLOSED)
    assert await house.storage.dispositions.apply(disposition, change)
    assert not await house.storage.dispositions.apply(disposition, LeadChange(lead.lead_id, LeadState.NEW))
    assert await house.storage.dispositions.of_attempt(attempt.attempt_id) == [disposition]
    assert await house.storage.dispositions.counts("c") == {"sale": 1}
    after = await house.storage.leads.get(lead.lead_id)
    assert after is not None and (after.state, after.last_outcome) == (LeadState.CLOSED, "bridged")


async def test_given_calls_that_amd_listened_to_then_their_verdicts_are_found_with_what_agents_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.history._PAGE", 3)
    rang = [(("amd_rang_for_s", 0.5 + k), ("amd_answered_after_s", 1.0 + k)) for k in range(7)]
    played = []
    for k, detail in enumerate(rang):
        await house.add(lead := house.lead(k))
        outcome = Outcome.MACHINE if k % 2 else Outcome.BRIDGED
        played.append(await house.play(lead, outcome, 100.0 + 10 * k, answered=True, detail=detail))
    await house.add(never := house.lead(8))
    await house.play(never, Outcome.NO_ANSWER, 200.0, detail=(("why", "rang"),))
    for command, code in (("cmd1", "voicemail"), ("cmd2", "sale")):
        said = Disposition(command, played[4].attempt_id, played[4].lead_id, "anna", code, 150.0)
        await house.storage.dispositions.apply(said, LeadChange(played[4].lead_id, LeadState.CLOSED))
    history = SqlHistory(house.storage.database)
    found = await history.screened(95.0, 100)
    assert [call.attempt_id for call in found] == [attempt.attempt_id for attempt in played[::-1]]
    assert found[2].codes == {"voicemail", "sale"} and found[0].codes == frozenset()
    assert dict(found[0].facts) == dict(rang[6]) and found[0].outcome is Outcome.BRIDGED
    assert {call.prefix for call in found} == {"+525"}
    assert [call.attempt_id for call in await history.screened(95.0, 2)] == [a.attempt_id for a in played[:4:-1]]
    assert [call.attempt_id for call in await history.screened(145.0, 9)] == [a.attempt_id for a in played[:4:-1]]


async def test_given_past_calls_then_the_latest_are_found_oldest_first_and_a_law_begins_with_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.history._PAGE", 40)
    monkeypatch.setattr("dialer.pacing.learned.FEWEST_CALLS", 60)
    list_id = house.lead(0).list_id
    played = []
    for k in range(90):
        await house.add(lead := house.lead(k))
        outcome = Outcome.BRIDGED if k % 3 else Outcome.NO_ANSWER
        played.append(await house.play(lead, outcome, 100.0 + 10 * k, answered=k % 3 > 0))
    history, names = SqlHistory(house.storage.database), [attempt.attempt_id for attempt in played]
    assert [call.attempt_id for call in await history.latest("c", 1000)] == names
    assert [call.attempt_id for call in await history.latest("c", 50)] == names[-50:]
    assert await history.latest("nobody's", 50) == []
    campaign = replace(CAMPAIGN, campaign_id="c", mode=DialMode.PREDICTIVE, lists=(list_id,))
    troubles: list[DialerEvent] = []
    maker = LawMaker(history, house.storage.dispositions, Standing(1_000.0), troubles.append, ("machine",))
    await maker.look_back(campaign)
    begun = maker(campaign)
    assert isinstance(begun, HazardLaw) and list(begun._book.numbers) == [list_id]
    assert troubles == []


async def test_given_a_disposition_while_the_call_is_up_then_it_wins_over_the_end(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = house.attempt(lead)
    await house.storage.attempts.plan(attempt)
    disposition = Disposition("cmd1", attempt.attempt_id, lead.lead_id, "anna", "call_me", 120.0)
    promised = LeadChange(lead.lead_id, LeadState.CALLBACK, 900.0, None, "anna")
    assert await house.storage.dispositions.apply(disposition, promised)
    held = await house.storage.leads.get(lead.lead_id)
    assert held is not None and held.state is LeadState.IN_ATTEMPT
    _, end = attempt.move(AttemptState.ENDED, 130.0, Outcome.BRIDGED)
    await house.storage.attempts.end(end, LeadChange(lead.lead_id, LeadState.CLOSED, None, "bridged"))
    after = await house.storage.leads.get(lead.lead_id)
    assert after is not None and after.state is LeadState.CALLBACK
    assert (after.next_call_at_s, after.callback_agent_id, after.last_outcome) == (900.0, "anna", "bridged")


async def test_given_a_disposition_for_somebody_elses_lead_then_refused(house: House) -> None:
    lead, other = house.lead(1), house.lead(2)
    await house.add(lead, other)
    attempt = await house.play(lead, Outcome.BRIDGED)
    disposition = Disposition("cmd1", attempt.attempt_id, other.lead_id, "anna", "sale", 120.0)
    with pytest.raises(StorageConflict, match="holds lead"):
        await house.storage.dispositions.apply(disposition, LeadChange(other.lead_id, LeadState.CLOSED))


async def test_given_recordings_consents_and_events_when_written_then_read_back(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    attempt = await house.play(lead, Outcome.BRIDGED)
    recordings = house.storage.recordings
    await recordings.put(StoredRecording("r1", attempt.attempt_id, "c/r1.wav", 5.0))
    done = StoredRecording("r1", attempt.attempt_id, "c/r1.wav", 5.0, RecordingState.COMPLETE, 12.5)
    await recordings.put(done)
    assert await recordings.of_attempt(attempt.attempt_id) == [done]
    assert await recordings.in_state(RecordingState.COMPLETE) == [done]
    assert await recordings.in_state(RecordingState.RECORDING) == []
    said = [
        Consent(f"k{n}", lead.phone, "voice", "sales", given, "ivr", float(n)) for n, given in enumerate((True, False))
    ]
    for consent in (*said, said[0]):
        await house.storage.consents.record(consent)
    assert await house.storage.consents.latest(lead.phone, "voice", "sales") == said[1]
    assert await house.storage.consents.latest(lead.phone, "email", "sales") is None
    assert await house.storage.consents.history(lead.phone) == said
    event = AuditEvent("e1", 1.0, "anna", "campaign.start", "c", {"ratio": 1.5})
    await house.storage.audit.record(event)
    assert await house.storage.audit.of_subject("c") == [event]
