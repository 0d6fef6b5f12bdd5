import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.calling_window import is_zone
from campaigns.campaign import Campaign, DialMode, OnMachine
from campaigns.campaign_file import CampaignFileError, read_campaign
from campaigns.outcome import Outcome
from campaigns.phone import home_zone
from campaigns.rule_pack import shipped_packs

EXAMPLE_TEXT = (files("campaigns") / "examples" / "ventas.toml").read_text(encoding="utf-8")

LEAST = """\
campaign_id = "a"
name = "A"
caller_id = "+34912345678"
lists = ["l"]
trunks = ["t"]
seller = "S"
"""


def problems_of(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(CampaignFileError) as caught:
        read_campaign(text, "x.toml")
    return [(problem.line, problem.field, problem.message) for problem in caught.value.problems]


def test_the_example_file_loads():
    campaign = read_campaign(EXAMPLE_TEXT)
    assert campaign.mode is DialMode.PREDICTIVE
    assert campaign.retry_rule(Outcome.BUSY).delay_s == 600
    assert campaign.retry_rule(Outcome.MACHINE).delay_s == 14_400
    assert campaign.amd.on_machine is OnMachine.LEAVE_MESSAGE
    assert [known.code for known in campaign.dispositions] == ["sale", "callback", "dnc", "no_disposition"]


def test_the_least_file_takes_careful_defaults():
    campaign = read_campaign(LEAST)
    assert campaign.mode is DialMode.PROGRESSIVE
    assert campaign.safe_harbour.max_wait_s == 2.0
    assert campaign.ring_timeout_s >= 15
    assert campaign.pacing.abandonment_cap == 0.03
    assert not campaign.hours.on_holidays


@pytest.mark.parametrize(
    ("more", "zone"),
    [
        ("", "Europe/Madrid"),
        ('country = "MX"\n', "America/Mexico_City"),
        ('country = "CO"\n', "America/Bogota"),
        ('country = "AR"\n', "America/Buenos_Aires"),
        ('country = "US"\n', "America/New_York"),
        ('country = "GB"\n', "Europe/London"),
        ('country = "US"\n[hours]\ntime_zone = "America/Denver"\n', "America/Denver"),
    ],
)
def test_a_campaign_keeps_its_countrys_day_unless_it_names_another(more, zone):
    assert read_campaign(LEAST + more).hours.time_zone == zone


def test_every_country_with_rules_has_a_day_of_its_own():
    assert all(is_zone(home_zone(country)) for country in shipped_packs())
    assert home_zone("XX") == ""


def test_every_problem_is_said_at_once_with_its_line():
    text = """\
campaign_id = "Ventas X"
name = 3
caller_id = "612"
lists = []
mode = "predictve"
rign_timeout_s = 20
ring_timeout_s = 5
trunks = ["t"]
[hours]
windows = [
  "mon-fri 09:00-21:00",
  "lun 9-21",
]
time_zone = "Madrid"
[retry.busy]
delay_s = "soon"
[amd]
enabled = "yes"
on_machine = "leave_message"
[[dispositions]]
code = "sale"
label = "a"
efect = "dnc"
"""
    found = problems_of(text)
    assert [(line, field) for line, field, _ in found] == [
        (1, "campaign_id"),
        (1, "seller"),
        (2, "name"),
        (3, "caller_id"),
        (4, "lists"),
        (5, "mode"),
        (6, "rign_timeout_s"),
        (7, "ring_timeout_s"),
        (10, "hours.windows[2]"),
        (14, "hours.time_zone"),
        (16, "retry.busy.delay_s"),
        (18, "amd.enabled"),
        (19, "amd.on_machine"),
        (23, "dispositions[1].efect"),
    ]
    words = {field: message for _, field, message in found}
    assert "did you mean 'predictive'?" in words["mode"]
    assert "did you mean 'ring_timeout_s'?" in words["rign_timeout_s"]
    assert "at least 15" in words["ring_timeout_s"]
    assert "did you mean 'effect'?" in words["dispositions[1].efect"]


@pytest.mark.parametrize(
    ("addition", "line", "field", "words"),
    [
        ("[pacing]\nabandonment_cap = 0.01\nabandonment_target = 0.02", 9, "pacing.abandonment_target", "above"),
        (
            'mode = "predictive"\n[pacing]\nabandonment_cap = 0\nabandonment_target = 0',
            9,
            "pacing.abandonment_cap",
            "0",
        ),
        ('country = "Spain"', 7, "country", "two capital letters"),
        ('region = "XX"', 7, "region", "no known region"),
        ('[wrap_up]\ndefault_disposition = "sael"', 8, "wrap_up.default_disposition", "did you mean 'sale'?"),
        ("[amd]\nsilence_s = 6", 8, "amd.silence_s", "after deadline_s"),
        ("[amd]\ndeadline_s = nan", 8, "amd.deadline_s", "number"),
        ("[hours]\nwindows = []", 8, "hours.windows", "nobody is ever called"),
        ("[limits]\nchannels = 1.5", 8, "limits.channels", "whole number"),
        ("amd = 3", 7, "amd", "table"),
        ("recording = 1", 7, "recording", "true or false"),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_cure(addition, line, field, words):
    [(found_line, found_field, message)] = problems_of(LEAST + addition)
    assert (found_line, found_field) == (line, field)
    assert words in message


def test_a_caller_number_without_prefix_is_shown_as_it_should_be():
    [(_, field, message)] = problems_of(LEAST.replace("+34912345678", "912 345 678"))
    assert field == "caller_id"
    assert '"+34912345678"' in message


def test_text_that_is_not_toml_is_named_with_its_line():
    [(line, _, message)] = problems_of(LEAST + "mode = = 3\n")
    assert line == 7
    assert "not TOML" in message


def test_an_unclosed_text_at_the_end_names_the_last_line():
    [(line, _, _)] = problems_of('name = """\nabc')
    assert line == 2


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    assert read_campaign("\ufeff" + EXAMPLE_TEXT.replace("\n", "\r\n")) == read_campaign(EXAMPLE_TEXT)


@given(st.text(max_size=300))
def test_any_text_gives_a_campaign_or_problems_and_nothing_else(text):
    try:
        assert isinstance(read_campaign(text), Campaign)
    except CampaignFileError as error:
        assert error.problems


@given(st.data())
def test_any_damage_to_a_good_file_gives_a_campaign_or_problems_within_the_file(data):
    start = data.draw(st.integers(0, len(EXAMPLE_TEXT) - 1))
    length = data.draw(st.integers(0, 40))
    patch = data.draw(st.text(max_size=10))
    damaged = EXAMPLE_TEXT[:start] + patch + EXAMPLE_TEXT[start + length :]
    try:
        assert isinstance(read_campaign(damaged), Campaign)
    except CampaignFileError as error:
        assert all(1 <= problem.line <= damaged.count("\n") + 1 for problem in error.problems)


def test_the_least_file_of_the_documentation_loads():
    text = (Path(__file__).parents[3] / "docs" / "campaign-file.md").read_text(encoding="utf-8")
    least, compliance = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert read_campaign(least + compliance).compliance.scrubbed == {"lista_robinson": "2026-11-02"}


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 2026-13-45", "\x00"])
def test_texts_made_to_break_the_reader_get_a_message(text):
    [(line, _, message)] = problems_of(text)
    assert line == 1
    assert "not TOML" in message
