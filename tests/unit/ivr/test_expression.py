from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, raises

from ivr.expression import ExpressionError, parse_expression
from ivr.functions import FUNCTIONS, ExpressionFailed, Moment
from ivr.secret import Secret

MOMENT = Moment(datetime(2026, 3, 31, 17, 30))
VALUES: dict[str, Any] = {
    "n": Decimal(7),
    "name": "Eva",
    "nothing": None,
    "day": date(2026, 4, 2),
    "yes": True,
    "pin": Secret("4321"),
    "card": Secret("4111111111111111"),
}


def work_out(text: str) -> Any:
    return parse_expression(text).value(VALUES, MOMENT)


@mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-n + 10 / 4", Decimal("-4.5")),
        ("n > 5 and name == 'Eva'", True),
        ("n > 5 and not yes or false", False),
        ("not n == 7", False),
        ("nothing == none", True),
        ("known(nothing) or known(name)", True),
        ("known(pin) and len(pin) == 4", True),
        ("'a' + \"b\"", "ab"),
        ("last4(card)", "1111"),
        ("last4(pin)", "****"),
        ("add_days(today(), 2) == day", True),
        ("days_between(today(), day)", 2),
        ("weekday(day)", 4),
        ("hour() >= 17", True),
        ("round(10 / 3, 2)", Decimal("3.33")),
        ("left(name, 2) + right(name, 1)", "Eva"),
        ("dni_letter('12345678')", "Z"),
        ("min(n, 3) + max(n, 3)", 10),
        ("number('12') * 2", 24),
    ],
)
def test_given_an_expression_when_worked_out_then_it_has_its_value(text: str, value: Any) -> None:
    assert work_out(text) == value


@mark.parametrize(
    ("text", "words"),
    [
        ("n = 3", "compare with =="),
        ("n && yes", "write and"),
        ("n.real", "not understood"),
        ("name[0]", "not understood"),
        ("__import__('os')", "no function '__import__'"),
        ("open('x')", "no function"),
        ("lambda: 1", "not understood"),
        ("1 +", "missing at the end"),
        ("(1", "')' is missing"),
        ("1 2", "too much"),
        ("1 < 2 < 3", "two values at a time"),
        ("left('a')", "takes a text and a count"),
        ("", "missing"),
        ("(" * 60 + "1" + ")" * 60, "deeper"),
        ("-" * 300 + "1", "deeper"),
        ("not " * 90 + "yes", "deeper"),
        ("1+" * 300 + "1", "longer than"),
        ("and", "cannot stand here"),
    ],
)
def test_given_no_expression_when_parsed_then_the_message_says_how_to_mend_it(text: str, words: str) -> None:
    with raises(ExpressionError) as caught:
        parse_expression(text)
    assert words in str(caught.value)


@mark.parametrize(
    ("text", "words"),
    [
        ("1 / 0", "divides by zero"),
        ("name + 1", "wants numbers"),
        ("nothing + 1", "not set yet"),
        ("n > name", "cannot compare"),
        ("name == 3", "quote both or none"),
        ("pin == '4321'", "sensitive"),
        ("pin + 'x'", "sensitive"),
        ("left(pin, 1)", "sensitive"),
        ("missing", "no variable"),
        ("add_days(day, 99999999)", "100 years"),
        ("number('1a')", "digits"),
    ],
)
def test_given_values_that_do_not_fit_when_worked_out_then_it_fails_without_the_value(text: str, words: str) -> None:
    with raises(ExpressionFailed) as caught:
        work_out(text)
    assert words in str(caught.value)
    assert "4321" not in str(caught.value) or "4321" in text


def test_given_a_sensitive_variable_when_asked_what_is_told_then_covering_functions_do_not_tell() -> None:
    assert parse_expression("known(pin) and len(pin) > 3").open_names() == frozenset()
    assert parse_expression("left(pin, 2)").open_names() == {"pin"}
    assert isinstance(work_out("pin"), Secret)


WORDS = ["n", "name", "nothing", "day", "pin", "1", "2.5", "'x'", "(", ")", "+", "-", "*", "/", "==", "<", ">=", ","]
WORDS += ["and", "or", "not", "true", *FUNCTIONS]


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=60))
def test_given_any_words_when_parsed_and_worked_out_then_only_the_two_errors_come(text: str) -> None:
    try:
        value = work_out(text)
    except (ExpressionError, ExpressionFailed) as error:
        assert "4321" not in str(error) or "4321" in text
    else:
        assert isinstance(value, Secret) or "4321" not in repr(value) or "4321" in text


def test_given_a_secret_when_shown_copied_or_compared_then_it_stays_hidden() -> None:
    import json
    import pickle

    secret = Secret("4321")
    assert "4321" not in f"{secret} {secret!r} {secret:>10}" + str([secret]) + str({"pin": secret})
    for spill in (
        lambda: pickle.dumps(secret),
        lambda: json.dumps(secret),
        lambda: secret == "4321",
        lambda: hash(secret),
    ):
        with raises(TypeError):
            spill()
    assert secret.matches("4321") and not secret.matches("4322")
