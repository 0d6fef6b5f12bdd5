"""Verdicts that move against the same hours of earlier days are told once; chance and evenings are not."""

import json
import random

import pytest

from amd.drift import DriftWatch
from amd.verdict import CallClass, Verdict

DAY_S = 86_400.0


def verdict(call_class, latency_s=0.5, probability=0.98):
    return Verdict(CallClass(call_class), probability, "", 2.0, latency_s if call_class == "human" else None)


def day(watch, number, chance, *, people=0.4, latency_s=0.5, probability=0.97, calls=600, hour=10, trunk="t"):
    """One day's verdicts of one part of the day; what was told."""
    told = []
    for index in range(calls):
        who = "human" if chance.random() < people else chance.choice(["machine", "machine", "silence"])
        one = verdict(who, max(0.1, chance.gauss(latency_s, 0.15)), min(1.0, chance.gauss(probability, 0.02)))
        told.append(watch.take("c1", trunk, one, number * DAY_S + hour * 3600 + index))
    return [each for each in told if each is not None]


@pytest.fixture
def usual():
    watch, chance = DriftWatch(), random.Random(3)
    for number in range(3):
        assert day(watch, number, chance) == []
    return watch, chance


def test_given_days_alike_then_nothing_is_told(usual):
    watch, chance = usual
    assert [told for number in range(3, 40) for told in day(watch, number, chance)] == []


def test_given_more_machines_then_it_is_told_once_with_what_moved(usual):
    watch, chance = usual
    told = day(watch, 3, chance, people=0.15)
    assert len(told) == 1
    assert "campaign c1 on trunk t" in told[0].words and "human 1" in told[0].words and "% before" in told[0].words
    assert {shift.what for _, _, shift in watch.alarms()} >= {"class human"}


def test_given_slower_verdicts_or_less_certain_ones_then_that_is_told(usual):
    watch, chance = usual
    assert "after the greeting" in day(watch, 3, chance, latency_s=0.8)[0].words
    fresh, other = DriftWatch(), random.Random(4)
    for number in range(3):
        day(fresh, number, other)
    assert "people are told with P 0.9" in day(fresh, 3, other, probability=0.91)[0].words


def test_given_the_old_ways_again_then_that_is_told_too(usual):
    watch, chance = usual
    day(watch, 3, chance, people=0.1)
    told = day(watch, 4, chance)
    assert len(told) == 1 and "as on earlier days again" in told[0].words


def test_given_another_part_of_the_day_or_trunk_then_it_has_its_own_usual(usual):
    watch, chance = usual
    assert day(watch, 3, chance, people=0.8, hour=20) == []
    assert day(watch, 3, chance, people=0.8, trunk="other") == []


def test_given_three_days_in_alarm_then_that_is_the_usual(usual):
    watch, chance = usual
    told = [len(day(watch, number, chance, people=0.1)) for number in range(3, 12)]
    assert told[0] == 1 and told[4:] == [0] * 5


def test_given_a_restart_then_it_goes_on(usual):
    watch, chance = usual
    again = DriftWatch()
    again.restore(json.loads(json.dumps(watch.as_json())))
    assert len(day(again, 3, chance, people=0.1)) == 1
    with pytest.raises(KeyError):
        DriftWatch().restore([{"campaign": "c"}])
