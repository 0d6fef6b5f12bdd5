import random
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from campaigns.campaign_file import read_campaign
from campaigns.compliance import Allowed, Facts, may_dial
from campaigns.lead import Lead
from campaigns.lead_import import ImportOptions, read_leads
from server.demo import campaign_file
from server.demo.behaviours import Behaviour
from server.demo.leads import BEHAVIOUR_WEIGHTS, DemoLead, draw_leads, truth_table, write_leads

_MIDNIGHT_S = 1_795_302_000.0  # a Sunday in November 2026, 23:00 UTC
_WEEK_HOURS = range(0, 24 * 7, 5)


def imported(leads: tuple[DemoLead, ...], path: Path) -> list[Lead]:
    write_leads(path, leads)
    ids = count()
    batches = list(read_leads([path.read_bytes()], ImportOptions("demo"), lambda: f"lead-{next(ids)}"))
    assert [rejection for batch in batches for rejection in batch.rejections] == []
    return [lead for batch in batches for lead in batch.leads]


def test_given_the_same_seed_when_drawn_twice_then_the_list_is_the_same() -> None:
    assert draw_leads(300, random.Random(7)) == draw_leads(300, random.Random(7))
    assert draw_leads(300, random.Random(7)) != draw_leads(300, random.Random(8))


@pytest.mark.parametrize("seed", range(5))
def test_given_three_hundred_leads_when_drawn_then_the_mix_is_that_of_the_weights(seed: int) -> None:
    table = truth_table(draw_leads(300, random.Random(seed)))
    total = sum(BEHAVIOUR_WEIGHTS.values())
    counts = Counter(table.values())
    assert len(table) == 300
    for behaviour, weight in BEHAVIOUR_WEIGHTS.items():
        assert abs(counts[behaviour] - 300 * weight / total) < 1


def test_given_a_drawn_list_when_imported_then_every_row_is_taken_as_written(tmp_path: Path) -> None:
    drawn = draw_leads(300, random.Random(1))
    leads = imported(drawn, tmp_path / "leads.csv")
    assert [lead.phone for lead in leads] == [one.number.e164 for one in drawn]
    assert [lead.time_zone for lead in leads] == [one.number.number_range.time_zone for one in drawn]
    assert {lead.fields["producto"] for lead in leads} == {one.product for one in drawn}


@pytest.mark.parametrize("hour", _WEEK_HOURS)
def test_given_the_demos_campaign_when_any_hour_strikes_then_every_lead_may_be_dialled(
    tmp_path: Path, hour: int
) -> None:
    campaign = read_campaign(campaign_file().read_text(encoding="utf-8"))
    for lead in imported(draw_leads(60, random.Random(3)), tmp_path / "leads.csv"):
        assert isinstance(may_dial(lead, campaign, Facts(), _MIDNIGHT_S + hour * 3600), Allowed)


def test_given_more_leads_than_numbers_when_drawn_then_it_says_so() -> None:
    with pytest.raises(ValueError, match="ask for fewer leads"):
        draw_leads(20_000, random.Random(1), {Behaviour.SIT_EARLY: 1.0})
