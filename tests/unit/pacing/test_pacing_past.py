"""The dialer on virtual time tells pacing each call's list, and the next start begins with what these calls taught."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from pacing_crowd import crowded_house

from campaigns.audit import machine_share
from campaigns.campaign import DialMode, PacingLawName, PacingSettings
from dialer.events import PlanMade
from dialer.pacing.hazard import HazardLaw
from dialer.pacing.laws import learns_from_past, make_law
from dialer.pacing.plan import PacingEventKind
from dialer.pacing_events import LawTaught
from server.pacing_past import LawMaker
from storage.errors import StorageError
from storage.history import PastCall
from storage.sql.dispositions import SqlDispositionStore
from storage.sql.history import SqlHistory
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.house import CAMPAIGN

TWO_LISTS = replace(CAMPAIGN, mode=DialMode.PREDICTIVE, lists=("homes", "firms"))
CODES = ("machine",)


def test_a_call_is_of_its_list_from_its_lead_on_and_the_past_of_each_list_is_learnt_at_the_next_start() -> None:
    async def dial() -> None:
        async with crowded_house(TWO_LISTS, agents=5, leads=160) as (house, run):
            await asyncio.sleep(480)
            snapshots = [event.snapshot for event in house.events if isinstance(event, PlanMade)]
            flights = Counter(view.list_id for moment in snapshots for view in moment.flights)
            assert flights.keys() == {"homes", "firms"}
            heard = [each for event in house.events if isinstance(event, LawTaught) for each in event.events]
            placed = Counter(each.list_id for each in heard if each.kind is PacingEventKind.PLACED)
            assert placed.keys() == {"homes", "firms"}
            assert isinstance(run.law, HazardLaw)
            assert set(run.law._book.numbers) == {"homes", "firms"}
            history = SqlHistory(house.database)
            past = await history.latest("c1", 20_000)
            assert Counter(call.list_id for call in past) == Counter(
                call.list_id for call in await history.calls("c1", 0.0)
            )
            assert [call.attempt_id for call in await history.latest("c1", 30)] == [c.attempt_id for c in past[-30:]]
            maker = LawMaker(history, SqlDispositionStore(house.database), house.clock, house.events.append, CODES)
            knows_nothing = maker(TWO_LISTS)
            await maker.look_back(TWO_LISTS)
            begun = maker(TWO_LISTS)
            assert isinstance(begun, HazardLaw) and isinstance(knows_nothing, HazardLaw)
            assert set(begun._book.numbers) == {"homes", "firms"}
            assert knows_nothing._book.numbers == {}
            assert house.troubles() == []

    run_virtual(dial())


class _Broken:
    """A database that is away."""

    async def calls(self, campaign_id: str, since_s: float) -> list[PastCall]:
        raise StorageError("the database is away")

    async def latest(self, campaign_id: str, most: int) -> list[PastCall]:
        raise StorageError("the database is away")

    async def stays(self, state: str, since_s: float) -> list[float]:
        raise StorageError("the database is away")


def test_given_a_database_that_is_away_the_campaign_begins_without_its_past_and_it_is_told() -> None:
    async def start() -> None:
        async with crowded_house(TWO_LISTS, agents=1, leads=1) as (house, _):
            told: list[object] = []
            maker = LawMaker(_Broken(), SqlDispositionStore(house.database), house.clock, told.append, CODES)
            await maker.look_back(TWO_LISTS)
            assert "as if it had no past" in str(told[0])
            assert isinstance(maker(TWO_LISTS), HazardLaw)

    run_virtual(start())


def test_only_laws_that_forecast_look_at_the_past() -> None:
    assert learns_from_past(TWO_LISTS)
    assert not learns_from_past(replace(TWO_LISTS, pacing=PacingSettings(law=PacingLawName.AVERAGES)))
    assert not learns_from_past(replace(TWO_LISTS, mode=DialMode.PROGRESSIVE))
    law = make_law(TWO_LISTS)
    assert isinstance(law, HazardLaw)
    assert law.settings.zone == TWO_LISTS.hours.time_zone


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ({}, 0.0, 0.0),
        ({"sale": 5000, "no_disposition": 50}, 0.0, 0.0),  # nobody ever says "machine": perhaps there is no such code
        ({"sale": 90, "machine": 20}, 0.0, 0.0),  # too little was said
        ({"sale": 190, "machine": 5, "no_disposition": 900}, 0.0, 0.0),
        ({"sale": 960, "machine": 40, "no_disposition": 5000}, 0.04, 0.055),
    ],
)
def test_machines_among_people_are_known_from_what_agents_say(said: dict[str, int], low: float, high: float) -> None:
    assert low <= machine_share(said, CODES, "no_disposition") <= high
