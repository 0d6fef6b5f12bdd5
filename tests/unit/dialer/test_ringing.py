"""Ring times: what a centre's calls teach of them, and what they may then say."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amd.prior import MOST_ODDS
from amd.verdict import CallClass, Verdict
from campaigns.outcome import Outcome
from dialer.events import Trouble
from dialer.evidence import Signalling
from dialer.ringing import LEAST_CALLS, Hint, RingTimes, Signals, log_ratio
from server.ring_times import LearnedRingTimes, known_answerers, times_of
from storage.errors import StorageError
from storage.history import ScreenedCall
from storage.sql.history import SqlHistory
from telephony.sim.far_end import FarEnd
from telephony.sim.scripted_amd import ScriptedBank
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual
from tests.unit.dialer.house import CAMPAIGN, House

PERSON = Signals("carrier", "+34600111222", 6.5)
VOICEMAIL = Signals("carrier", "+34600111222", 20.3)
signals = st.builds(
    Signals,
    st.sampled_from(["carrier", "other"]),
    st.sampled_from(["+34600111222", "+34910111222", "+5255"]),
    st.none() | st.floats(0.0, 90.0),
    st.sampled_from(["", "sound", "machine", "music"]),
)


def _taught(people=120, machines=150, **given) -> RingTimes:
    """People answer after 2 to 12 s, voicemails after 20.3 s."""
    times = RingTimes()
    for k in range(people):
        times.take(Signals("carrier", "+34600999888", 2.0 + k % 10, **given), person=True)
    for _ in range(machines):
        times.take(VOICEMAIL, person=False)
    return times


@given(signals)
def test_given_no_calls_then_signalling_says_nothing(asked):
    assert RingTimes().hint(asked) == Hint()


@given(signals, st.integers(0, LEAST_CALLS - 1), st.integers(0, 3000))
@settings(max_examples=25, deadline=None)
def test_given_too_few_of_one_kind_then_it_says_nothing(asked, few, many):
    assert _taught(people=few, machines=many // 10).hint(asked).odds == 0.0
    assert _taught(people=many // 10, machines=few).hint(asked).odds == 0.0


@given(st.lists(st.tuples(signals, st.booleans()), max_size=60), signals)
@settings(max_examples=40, deadline=None)
def test_given_any_past_then_odds_are_bounded(past, asked):
    hint = RingTimes(past * 8).hint(asked)
    assert -MOST_ODDS <= hint.odds <= MOST_ODDS
    assert bool(hint.why) or hint.odds == 0.0


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.sampled_from([6, 21]))
def test_given_one_more_person_after_such_a_ring_then_it_does_not_speak_less_for_a_person(a, b, c, d, values):
    before = log_ratio(a, a + b, c, c + d, values)
    assert log_ratio(a + 1, a + 1 + b, c, c + d, values) >= before - 1e-12
    assert log_ratio(a, a + b, c + 1, c + 1 + d, values) <= before + 1e-12


@given(st.integers(0, 300), st.integers(0, 300))
def test_given_people_and_machines_alike_then_it_says_nothing(count, others):
    assert log_ratio(count, count + others, count, count + others, 21) == 0.0


def test_given_a_carriers_voicemail_after_twenty_seconds_then_that_speaks_against_a_person_and_says_why():
    times = _taught()
    against, speaks_for = times.hint(VOICEMAIL), times.hint(PERSON)
    assert against.odds < -1.0
    assert against.why == "carrier, +346: rang 20-22 s: 0 of 120 people, 150 of 150 machines"
    assert speaks_for.odds > 0.5
    assert times.hint(Signals("carrier", "+34600111222", 30.0)).odds == 0.0  # nobody knows


def test_given_the_table_then_rings_are_in_order_and_routes_with_few_calls_say_nothing():
    times = _taught()
    times.take(Signals("new carrier", "+34600111222", 70.0), person=False)
    rows = times.table()
    assert [row[2] for row in rows if row[0] == ("carrier", "+346") and row[1] == "rang"] == [
        *("2-3 s", "3-4 s", "4-5 s", "5-6 s", "6-8 s", "8-10 s", "10-12 s", "20-22 s")
    ]
    assert rows[0][0] == () and rows[-1][:3] == (("new carrier", "+346"), "rang", "over 60 s")
    assert rows[-1][3:] == (0, 1, 0.0)


def test_given_a_route_with_few_calls_then_the_wider_one_speaks():
    times = _taught()
    assert times.hint(Signals("new carrier", "+34600111222", 20.3)).why.startswith("+346: ")
    assert times.hint(Signals("carrier", "+34910111222", 20.3)).why.startswith("all calls: ")


def test_given_what_was_heard_before_the_answer_then_it_counts_beside_the_ring():
    times = RingTimes()
    for k in range(200):
        times.take(Signals("carrier", "+34600", 8.0, "machine" if k % 2 else ""), person=k % 2 == 0)
    assert times.hint(Signals("carrier", "+34600", 8.0, "machine")).odds < -1.0
    assert times.hint(Signals("carrier", "+34600", 8.0)).odds > 1.0


def _call(outcome, codes=(), **facts) -> ScreenedCall:
    return ScreenedCall("x", outcome, "+346", {f"amd_{name}": value for name, value in facts.items()}, frozenset(codes))


@pytest.mark.parametrize(
    ("call", "person"),
    [
        (_call(Outcome.BRIDGED, trunk="carrier", rang_for_s=4.0), True),
        (_call(Outcome.BRIDGED, ("voicemail",)), False),
        (_call(Outcome.MACHINE, probability_human=0.01), False),
        (_call(Outcome.MESSAGE_LEFT, probability_human=0.01, probability_by_sound=0.04), False),
        (
            _call(Outcome.MACHINE, probability_human=0.01, probability_by_sound=0.2),
            None,
        ),  # not by what it taught itself
        (_call(Outcome.MACHINE), None),
        (_call(Outcome.ABANDONED, probability_human=0.99), None),  # nobody heard who it was
    ],
)
def test_given_a_past_call_then_it_teaches_only_when_somebody_else_knew(call, person):
    assert [taught for _, taught in known_answerers([call], ["voicemail"])] == ([] if person is None else [person])


def test_given_a_past_call_then_its_signals_are_those_that_were_asked_of():
    line = Signalling(100.0, "carrier", rang_s=101.0, early_media_s=102.0, answered_s=111.5)
    line.early = Verdict(CallClass.MACHINE, 0.95, "announcement before answer", 3.0, early_media=True)
    asked = line.signals("+34600111222")
    assert asked == Signals("carrier", "+34600111222", 10.5, "machine")
    evidence = line.onto(Verdict(CallClass.HUMAN, 0.99, "", 1.0)).evidence
    ((learnt, _),) = known_answerers([_call(Outcome.BRIDGED, **evidence)], [])
    assert (learnt.routes, learnt.values) == (asked.routes, asked.values)


@virtual
async def test_given_dialled_calls_when_counted_from_the_log_then_people_whom_agents_heard_are_known():
    house = await House().open()
    await house.dial([FarEnd.person(), FarEnd.voicemail(), FarEnd.no_answer(), FarEnd.person()], agents=2)
    times = await times_of(SqlHistory(house.database), house.clock.now_s(), ["voicemail"])
    everybody = [row for row in times.table() if row[0] == () and row[1] == "rang"]
    # The scripted detector gives no belief by sound, so its machine teaches nothing.
    assert sum(row[3] for row in everybody) == 2 and sum(row[4] for row in everybody) == 0
    assert {row[2] for row in everybody} <= {"0-1 s", "1-2 s", "2-3 s", "3-4 s", "4-5 s", "5-6 s", "6-8 s"}


@virtual
async def test_given_a_database_that_is_away_then_it_is_told_what_was_learnt_holds_and_it_is_asked_again():
    answers: list[list[ScreenedCall] | Exception] = [
        [_call(Outcome.BRIDGED, trunk="carrier", rang_for_s=4.0)],
        StorageError("the database is away"),
        [],
    ]

    class Shaky:
        async def screened(self, since_s, most):
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    told: list[Trouble] = []
    learnt = LearnedRingTimes(Shaky(), VirtualClock(), told.append, ["voicemail"])
    task = asyncio.create_task(learnt.run())
    await asyncio.sleep(1.0)
    assert len(learnt.times.table()) == 6
    await asyncio.sleep(900.0)
    assert [event.where for event in told] == ["amd"] and "the database is away" in told[0].words
    assert len(learnt.times.table()) == 6
    await asyncio.sleep(900.0)
    assert learnt.times.table() == [] and len(told) == 1
    assert learnt.hint(PERSON) == Hint()
    task.cancel()


class _Bank(ScriptedBank):
    """Keeps what it was told of who answers."""

    def __init__(self, taps, clock, rng, told):
        super().__init__(taps, clock, rng)
        self.told = told

    def open(self, slot, wanted, *, answered):
        self.told.append(wanted.person_odds)
        super().open(slot, wanted, answered=answered)


@pytest.mark.parametrize("signalling", [True, False])
@virtual
async def test_given_a_dialled_call_then_the_hint_reaches_amd_and_the_log_unless_it_is_switched_off(signalling):
    campaign = replace(CAMPAIGN, amd=replace(CAMPAIGN.amd, signalling=signalling))
    house = await House(campaign).open()
    asked: list[Signals] = []
    told: list[float] = []

    def hint(wanted: Signals) -> Hint:
        asked.append(wanted)
        return Hint(-0.75, "carrier: rang 2-3 s: 1 of 60 people, 30 of 70 machines")

    house.services = replace(house.services, hint=hint)
    house.engine.services = house.services
    house.listening.bank = _Bank(house.taps, house.clock, random.Random(2), told)
    await house.dial([FarEnd.person()])
    (attempt,) = await house.attempts()
    facts = {name: value for move in await house.log.moves(attempt.attempt_id) for name, value in move.detail}
    if signalling:
        assert told == [-0.75]
        assert asked[0].trunk == "carrier" and asked[0].rang_for_s is not None
        assert facts["amd_signalling_odds"] == -0.75
        assert "1 of 60 people" in facts["amd_signalling_why"]
    else:
        assert (told, asked) == ([0.0], [])
        assert "amd_signalling_odds" not in facts
    assert facts["amd_rang_for_s"] > 0.0
