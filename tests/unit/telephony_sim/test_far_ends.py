"""What scripted far ends do, and what is heard of them."""

import asyncio
import random
import statistics
import uuid
from collections import Counter

import numpy as np
import pytest

from amd.verdict import AmdSettings, CallClass, Verdict
from media.frames import SAMPLE_RATE_HZ
from media.taps import TapsExhausted
from telephony.port import OriginateOrder, TapOrder
from telephony.sim.crowd import Crowd, log_normal
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import Answer, FarEnd, HangUp, Say, q850_of_sip
from telephony.sim.leg import Heard
from telephony.sim.network import Network
from telephony.sim.scripted_amd import ScriptedBank
from telephony.sim.taps import SimTaps
from telephony.sim.virtual_time import VirtualClock

virtual_time = True
CALL, AGENT, TALK = "01ksr49200v3rs3dtr98h6bcfn-call", "02ksr49200v3rs3dtr98h6bcfn-call", "talk"


async def exchange_with(far_end: FarEnd, agent: FarEnd | None = None) -> SimExchange:
    """An exchange with `far_end` called on CALL and an agent on AGENT who waits in the bridge TALK."""
    network = Network(far_end)
    network.put("agent", agent or FarEnd.agent())
    exchange = SimExchange(VirtualClock(), network)
    await exchange.create_bridge(TALK)
    await exchange.originate(OriginateOrder(AGENT, "PJSIP/agent", "", 30.0))
    await exchange.originate(OriginateOrder(CALL, "PJSIP/34600@carrier", "", 30.0))
    await asyncio.sleep(0)
    await exchange.add_to_bridge(TALK, AGENT)
    return exchange


async def tapped(exchange: SimExchange) -> int:
    tap_id = str(uuid.UUID(int=7))
    slot = exchange.taps.open(tap_id)
    await exchange.start_tap(TapOrder(CALL, tap_id, "tap-channel", "tap-bridge"))
    return slot


async def hear(exchange: SimExchange, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    frames, present = [], []
    for _ in range(round(seconds * 50)):
        await asyncio.sleep(0.02)
        tick = exchange.taps.read_tick()
        frames.append(tick.frames[0].copy())
        present.append(bool(tick.present[0]))
    return np.concatenate(frames), np.array(present)


async def test_a_person_who_hears_nobody_loses_patience() -> None:
    exchange = await exchange_with(FarEnd.person(ring_s=2.0, greeting=1.0, patience_s=5.0))
    await asyncio.sleep(60)
    record = exchange.record(CALL)
    assert record.ended_s == pytest.approx(0.2 + 2.0 + 0.3 + 1.0 + 5.0) and record.ended_by == "far end"


async def test_a_person_who_hears_an_agent_talks_for_as_long_as_drawn() -> None:
    exchange = await exchange_with(FarEnd.person(ring_s=2.0, greeting=1.0, patience_s=5.0, talk_s=30.0))
    await asyncio.sleep(5.5)
    await exchange.add_to_bridge(TALK, CALL)
    await asyncio.sleep(60)
    assert exchange.record(CALL).ended_s == pytest.approx(35.5)
    assert exchange.record(CALL).heard == [Heard(AGENT, 5.5, pytest.approx(35.5))]
    assert exchange.record(AGENT).heard == [Heard(CALL, 5.5, pytest.approx(35.5))]


async def test_a_prompt_stops_the_clock_of_patience() -> None:
    exchange = await exchange_with(FarEnd.person(ring_s=0.0, greeting=0.0, patience_s=3.0))
    await asyncio.sleep(2.5)
    await exchange.play(CALL, ["sound:a", "sound:b"], "p")  # two seconds each
    await asyncio.sleep(60)
    assert exchange.record(CALL).ended_s == pytest.approx(2.5 + 4.0 + 3.0)
    assert [heard.source for heard in exchange.record(CALL).heard] == ["sound:a", "sound:b"]


async def test_what_is_said_is_on_the_tap_sample_by_sample() -> None:
    speech = np.arange(1, SAMPLE_RATE_HZ + 1, dtype=np.int16)
    exchange = await exchange_with(FarEnd((Answer(0.5), Say(0.3, speech))))
    await asyncio.sleep(0.6)
    await tapped(exchange)
    heard, present = await hear(exchange, 2.0)
    (said,) = np.flatnonzero(heard)[:1]
    assert np.array_equal(heard[said : said + len(speech)], speech)
    assert np.count_nonzero(heard) == len(speech)
    assert present.mean() > 0.97


async def test_a_tap_hears_nothing_of_who_was_moved_away() -> None:
    exchange = await exchange_with(FarEnd((Answer(), Say(0.0, np.full(80000, 1000, np.int16)))))
    slot = await tapped(exchange)
    before, _ = await hear(exchange, 0.5)
    await exchange.add_to_bridge(TALK, CALL)
    after, present = await hear(exchange, 0.5)
    assert before.any() and not after.any() and not present.any()
    assert exchange.taps.truth(slot) is None


async def test_taps_have_slots_that_are_reused_and_run_out() -> None:
    taps = SimTaps(VirtualClock(), slots=2)
    first = taps.open("a")
    taps.open("b")
    with pytest.raises(TapsExhausted):
        taps.open("c")
    with pytest.raises(ValueError, match="open already"):
        taps.open("a")
    taps.close("a")
    taps.close("a")
    assert taps.open("c") == first
    assert sorted(taps.read_tick().slots.tolist()) == [0, 1]


async def verdicts_on(exchange: SimExchange, bank: ScriptedBank, seconds: float) -> list[Verdict]:
    said = []
    for _ in range(round(seconds * 50)):
        await asyncio.sleep(0.02)
        tick = exchange.taps.read_tick()
        said += [verdict for _, verdict in bank.step(tick.slots, tick.frames, tick.present)]
    return said


@pytest.mark.parametrize(
    ("far_end", "words"),
    [
        (FarEnd.person(ring_s=0.0, patience_s=60.0), [CallClass.HUMAN]),
        (FarEnd.voicemail(ring_s=0.0), [CallClass.MACHINE, CallClass.BEEP]),
        (FarEnd.silent(ring_s=0.0), [CallClass.SILENCE]),
        (FarEnd((Answer(0.2),)), [CallClass.UNKNOWN]),
    ],
)
async def test_the_scripted_detector_says_the_truth_once_and_then_the_beep(
    far_end: FarEnd, words: list[CallClass]
) -> None:
    exchange = await exchange_with(far_end)
    bank = ScriptedBank(exchange.taps, VirtualClock(), random.Random(1))
    await asyncio.sleep(0.3)
    bank.open(await tapped(exchange), AmdSettings(), answered=True)
    said = await verdicts_on(exchange, bank, 20.0)
    assert [verdict.call_class for verdict in said] == words
    if CallClass.BEEP in words:
        assert said[-1].settled and said[-1].tone_end_s == pytest.approx(0.1 + 7.0 + 0.5 + 0.4, abs=0.2)


async def test_before_the_answer_the_scripted_detector_knows_the_network_only() -> None:
    exchange = await exchange_with(FarEnd.announcement(4.0))
    bank = ScriptedBank(exchange.taps, VirtualClock(), random.Random(1))
    await asyncio.sleep(1.1)
    bank.open(await tapped(exchange), AmdSettings(), answered=False)
    said = await verdicts_on(exchange, bank, 5.0)
    assert [(verdict.call_class, verdict.early_media) for verdict in said] == [(CallClass.SIT, True)]


async def test_errors_of_the_scripted_detector_come_as_often_as_asked() -> None:
    bank = ScriptedBank(SimTaps(VirtualClock()), VirtualClock(), random.Random(1), human_as_machine=0.3)
    words = Counter(bank._word(CallClass.HUMAN) for _ in range(2000))
    assert words[CallClass.MACHINE] / 2000 == pytest.approx(0.3, abs=0.04)


def test_a_crowd_is_made_of_the_shares_it_was_given() -> None:
    rng = random.Random(3)
    truths = Counter(Crowd().draw(rng).truth for _ in range(4000))
    assert truths[CallClass.HUMAN] / 4000 == pytest.approx(0.25, abs=0.03)
    assert truths[CallClass.MACHINE] / 4000 == pytest.approx(0.35, abs=0.03)


def test_what_a_number_answers_depends_on_seed_number_and_turn_alone() -> None:
    def story(order: list[str]) -> dict[str, list[object]]:
        make = Crowd().maker(seed=5)
        met: dict[str, list[object]] = {}
        for number in order:
            far_end = make(number)
            assert far_end is not None
            met.setdefault(number, []).append([repr(step) for step in far_end.steps])
        return met

    assert story(["a", "b", "a"]) == story(["a", "a", "b"])


def test_shares_of_more_than_everybody_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        Crowd(people=0.9)


def test_log_normal_has_the_mean_and_spread_it_was_asked_for() -> None:
    rng = random.Random(2)
    values = [log_normal(rng, 12.0, 0.5) for _ in range(20000)]
    assert statistics.fmean(values) == pytest.approx(12.0, rel=0.02)
    assert statistics.stdev(values) / statistics.fmean(values) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("sip", "q850"), [(404, 1), (486, 17), (503, 34), (603, 21), (480, 19), (499, 127), (599, 34)])
def test_sip_statuses_become_the_causes_that_asterisk_tells(sip: int, q850: int) -> None:
    assert q850_of_sip(sip) == q850
    assert isinstance(FarEnd.refused(sip).steps[-1], HangUp)
