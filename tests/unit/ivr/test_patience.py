"""Nobody hears silence while a back end takes its time."""

from ivr.given import Given
from ivr.simulate import walk
from tests.unit.ivr.flows import Presses, flow_of

NODES = """\
  first: {do: lookup, source: slow, timeout_s: 20, next: bye}
  bye: {do: goodbye, text: Goodbye.}"""


def test_given_a_source_that_takes_long_when_waited_for_then_words_and_between_them_a_soft_sound() -> None:
    given = Given.model_validate({"lookups": {"slow": {"slow_s": 9, "found": {}}}})
    taken = walk(flow_of(NODES), given, Presses())
    assert taken.heard[:2] == ["[waiting]", "One moment, please."] and taken.heard[-1] == "Goodbye."
    assert taken.heard.count("One moment, please.") == 2
    assert 5 <= taken.heard.count("[waiting]") <= 8


def test_given_a_source_that_answers_at_once_when_asked_then_nothing_is_heard_meanwhile() -> None:
    given = Given.model_validate({"lookups": {"slow": {"slow_s": 0.4, "found": {}}}})
    assert walk(flow_of(NODES), given, Presses()).heard == ["Goodbye."]
