"""The contract of LeadStore, CallbackStore and DncStore, on SQLite and PostgreSQL."""

import pytest

from campaigns.lead import LeadChange, LeadState
from storage.errors import StorageConflict
from storage.port import AuditEvent, DncEntry, ImportCounts, LeadList
from tests.contract.storage.conftest import House


async def test_given_an_import_run_twice_then_nothing_is_doubled_and_everything_reads_back(house: House) -> None:
    leads = [house.lead(n, name="Ñandú", fields={"città": "“x”\n"}, priority=2, time_zone="UTC") for n in range(2500)]
    assert await house.storage.leads.add(iter(leads)) == ImportCounts(2500, 0)
    assert await house.storage.leads.add(leads) == ImportCounts(0, 2500)
    assert await house.storage.leads.get(leads[1234].lead_id) == leads[1234]
    assert await house.storage.leads.list("l1", 2, leads[10].lead_id) == leads[11:13]
    assert await house.storage.leads.of_phone(leads[3].phone) == [leads[3]]
    assert await house.storage.lists.counts("l1") == {"new": 2500}


async def test_given_a_list_that_does_not_exist_when_leads_are_added_then_told_to_create_it(house: House) -> None:
    with pytest.raises(StorageConflict, match="l9 does not exist: create it"):
        await house.add(house.lead(1, "l9"))


async def test_given_every_kind_of_lead_when_due_then_callbacks_priority_retries_new_in_list_order(
    house: House,
) -> None:
    retry, callback = LeadState.RETRY, LeadState.CALLBACK
    order = [
        house.lead(9, state=callback, next_call_at_s=40.0, callback_agent_id="anna"),
        house.lead(8, state=callback, next_call_at_s=50.0, priority=9),
        house.lead(7, state=retry, next_call_at_s=60.0, priority=5),
        house.lead(6, priority=5),
        house.lead(5, state=retry, next_call_at_s=20.0),
        house.lead(4, state=retry, next_call_at_s=30.0),
        house.lead(3),
        house.lead(2),
        house.lead(1, "l2"),
    ]
    await house.add(house.lead(10, state=retry, next_call_at_s=101.0, priority=99))
    await house.add(house.lead(11, state=callback, next_call_at_s=101.0))
    await house.add(house.lead(12, state=LeadState.CLOSED), house.lead(13, state=LeadState.DNC))
    await house.add(*reversed(order[:6]))
    await house.add(*order[6:])
    assert await house.storage.leads.due("c", 100.0, 50) == order
    assert await house.storage.leads.due("c", 100.0, 3) == order[:3]
    taken = [lead.lead_id for lead in order[:4]]
    assert await house.storage.leads.due("c", 100.0, 2, exclude=taken) == order[4:6]


async def test_given_a_lead_in_an_attempt_or_on_dnc_when_due_then_it_does_not_come(house: House) -> None:
    held, listed, later = house.lead(1), house.lead(2), house.lead(3)
    await house.add(held, listed)
    await house.storage.attempts.plan(house.attempt(held))
    assert await house.storage.dnc.add([listed.phone, later.phone], "asked", 5.0) == 2
    assert await house.storage.dnc.add([listed.phone], "asked", 6.0) == 0
    await house.add(later)
    assert await house.storage.leads.due("c", 100.0, 9) == []
    assert await house.storage.leads.counts("c") == {"in_attempt": 1, "dnc": 2}
    assert await house.storage.dnc.contains(later.phone)
    assert await house.storage.dnc.entries([later.phone, "+1"]) == [DncEntry(later.phone, "asked", 5.0)]
    assert await house.storage.dnc.remove([later.phone, "+1"]) == (1, 0)
    assert not await house.storage.dnc.contains(later.phone)
    assert await house.storage.leads.due("c", 100.0, 9) == []


async def test_given_a_number_that_comes_off_dnc_with_its_leads_then_they_are_due_and_it_is_known_who_did_it(
    house: House,
) -> None:
    wrongly, rightly = house.lead(1), house.lead(2)
    await house.add(wrongly, rightly)
    await house.storage.dnc.add([wrongly.phone, rightly.phone], "a file", 5.0)
    event = AuditEvent("e1", 9.0, "eva", "taken off", "dnc", {"because": "the wrong file"})
    assert await house.storage.dnc.remove([wrongly.phone], [event], leads_back=True) == (1, 1)
    assert [lead.lead_id for lead in await house.storage.leads.due("c", 100.0, 9)] == [wrongly.lead_id]
    assert await house.storage.audit.of_subject("dnc") == [event]


async def test_given_a_change_then_it_is_applied_but_never_to_a_lead_in_a_call(house: House) -> None:
    lead = house.lead(1)
    await house.add(lead)
    await house.storage.leads.change(LeadChange(lead.lead_id, LeadState.CALLBACK, 500.0, "bridged", "anna"))
    changed = await house.storage.leads.get(lead.lead_id)
    assert changed is not None and changed.state is LeadState.CALLBACK and changed.callback_agent_id == "anna"
    assert await house.storage.callbacks.of_agent("anna") == [changed]
    assert await house.storage.callbacks.pending("c", 501.0) == [changed]
    assert await house.storage.callbacks.pending("c", 500.0) == []
    await house.storage.attempts.plan(house.attempt(lead))
    with pytest.raises(StorageConflict, match="is in attempt"):
        await house.storage.leads.change(LeadChange(lead.lead_id, LeadState.NEW))
    with pytest.raises(StorageConflict, match="does not exist"):
        await house.storage.leads.change(LeadChange("nobody", LeadState.NEW))


async def test_given_leads_that_wait_for_a_mending_when_asked_again_then_only_they_are_due_now(house: House) -> None:
    waits = house.lead(1, state=LeadState.RETRY, next_call_at_s=900.0)
    promised = house.lead(2, state=LeadState.CALLBACK, next_call_at_s=900.0)
    busy, done = house.lead(3, state=LeadState.RETRY, next_call_at_s=900.0), house.lead(4)
    elsewhere = house.lead(5, "l3", state=LeadState.RETRY, next_call_at_s=900.0)
    await house.storage.lists.put(LeadList("l3", "nobody dials it", 1.0))
    await house.add(waits, promised, busy, done, elsewhere)
    retry, callback, closed = LeadState.RETRY, LeadState.CALLBACK, LeadState.CLOSED
    for lead, state in ((waits, retry), (promised, callback), (done, closed), (elsewhere, retry)):
        await house.storage.leads.change(LeadChange(lead.lead_id, state, 900.0, "waits"))
    assert await house.storage.leads.due("c", 100.0, 9) == []
    assert await house.storage.leads.ask_again("c", "waits") == 2
    due = await house.storage.leads.due("c", 100.0, 9)
    assert [lead.lead_id for lead in due] == [promised.lead_id, waits.lead_id]
