import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import carrier

from server.demo.behaviours import FAR_ENDS, RULES, Behaviour, Phase, codes_of
from server.demo.numbering import RANGES, RING_S, STAY_S, DemoNumber


@st.composite
def demo_numbers(draw: st.DrawFn) -> DemoNumber:
    plan = draw(st.sampled_from(RANGES))
    return DemoNumber(
        draw(st.sampled_from(list(FAR_ENDS.values()))),
        draw(st.integers(0, len(RING_S) - 1)),
        draw(st.integers(0, len(STAY_S) - 1)),
        draw(st.integers(0, plan.size - 1)),
        plan,
    )


@given(demo_numbers())
def test_given_any_number_of_the_plan_when_read_back_then_it_means_the_same(number: DemoNumber) -> None:
    assert DemoNumber.parse(number.e164) == number
    assert DemoNumber.parse(number.e164.removeprefix("+")) == number


@given(demo_numbers())
def test_given_any_number_of_the_plan_when_validated_then_it_is_a_mobile_that_no_operator_has(
    number: DemoNumber,
) -> None:
    parsed = phonenumbers.parse(number.e164)
    assert phonenumbers.is_valid_number(parsed)
    assert phonenumbers.region_code_for_number(parsed) == number.number_range.region
    assert phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
    assert carrier.name_for_number(parsed, "en") == ""


@pytest.mark.parametrize("text", ["", "+34788000099", "+34600000000", "+3478800000", "788000000", "+34788o00000"])
def test_given_a_number_outside_of_the_plan_when_read_then_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number of the simulated network"):
        DemoNumber.parse(text)


@pytest.mark.parametrize("digits", [{"ring": 10}, {"stay": -1}, {"serial": 100}])
def test_given_digits_that_do_not_fit_when_a_number_is_made_then_it_is_refused(digits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"digits|does not fit"):
        DemoNumber.of(Behaviour.BUSY, **digits)


def test_every_behaviour_has_a_rule_a_code_and_an_outcome() -> None:
    assert set(RULES) == set(Behaviour)
    for behaviour in Behaviour:
        assert codes_of(behaviour)
        assert RULES[behaviour].outcomes
    assert all(0 <= code <= 99 for code in FAR_ENDS)


def test_only_calls_without_an_answer_have_a_status_and_only_refusals_nothing_to_hear() -> None:
    for rule in RULES.values():
        assert (rule.sip_status is not None) is (rule.phase in (Phase.REFUSED, Phase.EARLY_MEDIA))
        assert (rule.truth is None) is (rule.phase is Phase.REFUSED)
