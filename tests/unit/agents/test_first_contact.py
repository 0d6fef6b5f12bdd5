import pytest

from agents.first_contact import DAY_S, FirstContacts, LineCall, closed_window, first_contacts, total

A, B = "+34600000001", "+34600000002"


def call(began_s: float, caller: str = A, line: str = "sales", served: bool = True, lasted_s: float = 2.0) -> LineCall:
    return LineCall(line, caller, began_s, began_s + lasted_s, served)


@pytest.mark.parametrize(
    ("calls", "contacts", "came_back"),
    [
        ([call(100.0)], 1, 0),
        ([call(100.0), call(140.0)], 1, 1),
        ([call(100.0), call(140.0, served=False)], 1, 1),  # gave up, but had to call
        ([call(100.0), call(149.9), call(199.0)], 1, 1),  # the later ones belong to the first matter
        ([call(100.0), call(150.0)], 2, 0),  # the window is half open
        ([call(80.0, served=False), call(100.0)], 1, 0),  # nobody had served it before
        ([call(100.0), call(140.0, line="support")], 2, 0),
        ([call(100.0), call(140.0, caller=B)], 2, 0),
        ([call(100.0, served=False)], 0, 0),
        ([call(100.0, lasted_s=30.0), call(110.0)], 1, 0),  # two telephones behind one number at the same time
        ([call(70.0), call(100.0)], 0, 0),  # the first of them is of an earlier period
        ([call(199.0), call(220.0)], 1, 1),  # the later one is of a later period, and counts as coming back
    ],
)
def test_given_calls_of_a_number_when_counted_then_who_called_the_same_line_again_came_back(
    calls: list[LineCall], contacts: int, came_back: int
) -> None:
    found = total(first_contacts(calls, 90.0, 200.0, 50.0).values())
    assert (found.contacts, found.came_back, found.anonymous) == (contacts, came_back, 0)


def test_given_callers_without_a_number_when_counted_then_they_are_counted_apart() -> None:
    found = first_contacts([call(100.0, caller=""), call(101.0, caller=""), call(102.0)], 90.0, 200.0, 50.0)
    assert found == {"sales": FirstContacts("sales", contacts=1, anonymous=2)}
    assert found["sales"].resolution == 1.0 and FirstContacts(anonymous=2).resolution is None


def test_given_callers_of_yesterday_when_a_period_is_chosen_then_they_are_not_yet_counted() -> None:
    now_s = 100 * DAY_S
    assert closed_window(now_s, 7 * DAY_S) == (63 * DAY_S, 93 * DAY_S)
    assert closed_window(now_s, 7 * DAY_S, 90 * DAY_S, now_s) == (90 * DAY_S, 93 * DAY_S)
    assert closed_window(now_s, 7 * DAY_S, 10 * DAY_S, 20 * DAY_S) == (10 * DAY_S, 20 * DAY_S)
