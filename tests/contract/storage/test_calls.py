"""Calls from outside and what callers gave us, on both databases."""

import random
from dataclasses import replace

from agents.first_contact import LineCall, first_contacts
from storage.calls import (
    CallbackState,
    CallStage,
    CallStep,
    QueueCallback,
    QueueWait,
    StoredAnswer,
    StoredCall,
    StoredMessage,
    Talk,
)
from storage.sql.store import SqlStorage

CALL = StoredCall("c1", "n1", "17.1", "+34910000001", "+34600111222", 10.0, flow="saldo", language="es")


async def test_given_a_call_when_it_goes_on_then_its_way_waits_and_talks_are_kept_once(storage: SqlStorage) -> None:
    calls = storage.calls
    for call in (CALL, replace(CALL, call_id="c2", node="n2"), replace(CALL, stage=CallStage.QUEUE, queue="sales")):
        await calls.put(call)
    assert await calls.live("n1") == [replace(CALL, stage=CallStage.QUEUE, queue="sales")]
    step = CallStep("c1", 1, 11.0, "saldo", "menu", "menu")
    for each in (step, replace(step, branch="1", spent_s=4.0), CallStep("c1", 2, 15.0, "saldo", "cola", "queue")):
        await calls.step(each)
    assert [each.branch for each in await calls.steps("c1")] == ["1", ""]
    await calls.step(CallStep("c2", 1, 12.0, "saldo", "menu", "menu", "", 2.0, caller_left=True))
    counts = {each.node: (each.entered, each.left, each.mean_s) for each in await calls.nodes(0.0, 100.0)}
    assert counts == {"menu": (2, 1, 3.0), "cola": (1, 0, 0.0)}
    wait = QueueWait("w1", "c1", "sales", 15.0, 25.0, "answered", 10.0, "ana")
    await calls.waited(wait)
    await calls.waited(wait)
    assert await calls.waits(0.0, 100.0, "sales") == await calls.waits(25.0, 26.0) == [wait]
    assert await calls.waits(0.0, 25.0) == []
    await calls.put(replace(CALL, stage=CallStage.ENDED, ended_at_s=60.0, ended_how="talked"))
    assert await calls.live("n1") == []
    assert [call.call_id for call in await calls.of_caller("+34600111222")] != []
    assert [call.call_id for call in await calls.list(0.0, 10, "c1")] == ["c2"]


async def test_given_an_agents_word_on_a_talk_when_the_end_is_written_later_then_the_word_stays(
    storage: SqlStorage,
) -> None:
    await storage.calls.put(CALL)
    talk = Talk("t1", "c1", "sales", "ana", 25.0)
    await storage.calls.put_talk(talk)
    assert await storage.calls.dispose("t1", "done", "paid")
    assert not await storage.calls.dispose("t1", "done", "paid")
    await storage.calls.put_talk(replace(talk, ended_at_s=40.0, ended_how="agent", talk_s=15.0))
    kept = await storage.calls.talk("t1")
    assert kept == replace(talk, ended_at_s=40.0, ended_how="agent", talk_s=15.0, disposition="done", note="paid")
    assert await storage.calls.talks("c1") == [kept]


async def test_given_promises_when_given_twice_then_kept_once(storage: SqlStorage) -> None:
    promises = storage.promises
    callback = QueueCallback("r1", "c1", "+34600111222", "sales", 15.0, None, "es", 0, {"account": "open"})
    assert await promises.add_callback(callback) and not await promises.add_callback(callback)
    await promises.put_callback(replace(callback, state=CallbackState.DONE, attempts=1))
    assert await promises.callbacks(CallbackState.PENDING) == []
    assert [each.fields for each in await promises.callbacks(CallbackState.DONE)] == [{"account": "open"}]
    for name, score in (("a1", 9), ("a1", 9), ("a2", 9), ("a3", 3)):
        await promises.add_answer(StoredAnswer(name, "c1", "encuesta", "nps", "nps", "nps", score, 50.0))
    assert [(each.score, each.count) for each in await promises.survey(0.0, 100.0)] == [(3, 1), (9, 2)]
    message = StoredMessage("m1", "c1", "sales", "+34600111222", "m1", 4.5, 50.0, "es")
    await promises.add_message(message)
    await promises.add_message(message)
    assert await promises.messages("sales") == [message]


async def test_given_calls_that_ended_when_counted_then_by_flow_way_and_whether_somebody_talked(
    storage: SqlStorage,
) -> None:
    ended = [
        ("c1", "saldo", "goodbye", 0.0),
        ("c2", "saldo", "goodbye", 0.0),
        ("c3", "saldo", "goodbye", 30.0),
        ("c4", "saldo", "caller_left", 0.0),
        ("c5", "", "abandoned in queue", 0.0),
    ]
    for call_id, flow, how, talk_s in ended:
        await storage.calls.put(
            replace(CALL, call_id=call_id, flow=flow, ended_how=how, talk_s=talk_s, ended_at_s=60.0)
        )
    await storage.calls.put(replace(CALL, call_id="c6"))  # lives
    await storage.calls.put(replace(CALL, call_id="c7", did="", ended_how="talked", ended_at_s=60.0))  # we called
    assert [(each.flow, each.ended_how, each.talked, each.count) for each in await storage.calls.ends(0.0, 100.0)] == [
        ("", "abandoned in queue", False, 1),
        ("saldo", "caller_left", False, 1),
        ("saldo", "goodbye", False, 2),
        ("saldo", "goodbye", True, 1),
    ]
    assert await storage.calls.ends(11.0, 100.0) == []


async def test_given_any_calls_when_first_contacts_are_counted_then_as_they_are_defined(storage: SqlStorage) -> None:
    rng, known = random.Random(20261122), []
    for number in range(400):
        line, caller = rng.choice(("+3491", "+3492", "")), rng.choice(("a", "b", "c", "d", ""))
        began_s, lasted_s = float(rng.randrange(1000)), float(rng.randrange(30))
        how, talk_s = rng.choice((("goodbye", 0.0), ("talked", 5.0), ("caller_left", 0.0), ("talked", 0.0)))
        over = rng.random() < 0.9
        call = replace(CALL, call_id=f"c{number}", did=line, caller=caller, started_at_s=began_s, talk_s=talk_s)
        await storage.calls.put(replace(call, ended_at_s=began_s + lasted_s, ended_how=how) if over else call)
        if line:  # calls that we place are nobody's contact
            known.append(LineCall(line, caller, began_s, began_s + lasted_s, over and how != "caller_left"))
    found = {each.line: each for each in await storage.calls.first_contacts(200.0, 800.0, 40.0)}
    assert found == first_contacts(known, 200.0, 800.0, 40.0)
    assert all(0 < each.came_back < each.contacts and each.anonymous for each in found.values()) and len(found) == 2
    assert await storage.calls.first_contacts(2000.0, 3000.0, 40.0) == []
