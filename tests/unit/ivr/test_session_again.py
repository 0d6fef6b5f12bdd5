"""What comes again: in the same call, and in the session of another process after a kill."""

import random
from dataclasses import replace
from typing import Any

from pytest import mark

from ivr.given import Given
from ivr.port import Bookmark
from ivr.session import Session
from ivr.simulate import SimulatedLine, Walk, simulated_world
from telephony.sim.virtual_time import VirtualClock, run_virtual
from tests.unit.ivr.flows import Presses, call, flow_of

BYE = "  bye: {do: goodbye, text: Bye.}\n"


def test_given_a_callers_own_words_when_said_again_then_their_sound_is_made_once_in_this_call() -> None:
    flow = flow_of(
        "  first: {do: menu, text: 'It is {x}.', keys: {'1': other, '2': bye}}\n"
        "  other: {do: set, set: {x: x + 1}, next: first}\n" + BYE,
        "variables: {x: {type: number, start: 7}}",
    )

    async def one_call() -> list[str]:
        taken, given, made = Walk(), Given(), list[str]()
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))

        class Speech:
            async def render(self, parts: Any, language: str) -> tuple[str, ...]:
                made.append(" ".join(str(part.value) for part in parts))
                return await world.speech.render(parts, language)

        line = SimulatedLine(given, Presses("", "9", "1", "", "2"), taken, lambda said: None)
        await Session(flow, line, replace(world, speech=Speech())).run()
        assert [words for words in taken.heard if words.startswith("It is")] == ["It is 7 ."] * 3 + ["It is 8 ."] * 2
        return made

    assert [words for words in run_virtual(one_call()) if words.startswith("It is")] == ["It is 7 .", "It is 8 ."]


@mark.parametrize(
    ("ok", "told"), [(True, "In."), (1, "In."), (0, "Out."), ("1", "Out."), ("true", "Out."), (2, "Out.")]
)
def test_given_a_source_that_says_yes_when_it_is_a_truth_or_the_one_of_a_database_then_only_that_counts(
    ok: Any, told: str
) -> None:
    flow = flow_of(
        "  first: {do: authenticate, method: pin, account: caller, text: PIN., source: pins, attempts: 1, next: in,"
        " wrong: out}\n  in: {do: goodbye, text: In.}\n  out: {do: goodbye, text: Out.}\n"
    )
    assert call(flow, "1234", lookups={"pins": [{"found": {"ok": ok}}]}).heard[-1] == told


class Marks:
    """Keeps every bookmark; says whether that could be written down."""

    def __init__(self, marks: list[Bookmark], can_write: bool = True) -> None:
        self.marks = marks
        self._can_write = can_write

    def keep(self, bookmark: Bookmark) -> None:
        self.marks.append(bookmark)

    async def kept(self, call_id: str) -> bool:
        return self._can_write

    def drop(self, call_id: str) -> None:
        pass


SENDS = """  first: {do: send, channel: sms, to: caller, text: Hi., next: ask}
  ask: {do: menu, text: Again., keys: {"1": first, "2": end}}
  end: {do: goodbye, text: Bye.}
"""


def test_given_messages_of_one_node_when_a_killed_session_goes_on_then_each_keeps_its_id() -> None:
    flow, marks = flow_of(SENDS), list[Bookmark]()

    def sent(mark: Bookmark | None, *keys: str) -> list[str]:
        async def one_call() -> Walk:
            taken, given = Walk(), Given(caller="+34600111222")
            world = replace(simulated_world(given, taken, VirtualClock(), random.Random()), bookmarks=Marks(marks))
            await Session(flow, SimulatedLine(given, Presses(*keys), taken, lambda line: None), world, mark).run()
            return taken

        return [message.message_key for message in run_virtual(one_call()).messages]

    first, second = sent(None, "1", "2")
    sending, asking, sending_again, asking_again, _ = marks
    assert first != second
    assert sent(sending, "2") == [first] and sent(asking, "1", "2") == [second]
    assert sent(sending_again, "2") == [second] and sent(asking_again, "2") == []
    (third,) = sent(asking_again, "1", "2")
    assert third not in (first, second)


ORDERS = """  first: {do: lookup, source: order, next: ask, timeout: unknown, failed: no}
  ask: {do: menu, text: Ordered. Again., keys: {"1": first, "2": bye}}
  unknown: {do: goodbye, text: We shall look whether it was ordered.}
  no: {do: goodbye, text: Not ordered.}
"""


class Shop:
    """A source that must not be asked twice; notes what was written down of the caller when it was asked."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self.asked: list[bool] = []

    def knows(self, source: str) -> bool:
        return True

    def repeatable(self, source: str) -> bool:
        return False

    async def ask(self, source: str, question: Any) -> dict[str, Any]:
        self.asked.append(self._marks.marks[-1].asked)
        return {}


def ordered(marks: Marks, start: Bookmark | None = None, *keys: str) -> tuple[Shop, Walk]:
    """A call to the shop."""
    shop = Shop(marks)

    async def one_call() -> Walk:
        taken, given = Walk(), Given()
        world = simulated_world(given, taken, VirtualClock(), random.Random(1))
        world = replace(world, bookmarks=marks, lookup=shop)
        line = SimulatedLine(given, Presses(*keys), taken, lambda said: None)
        await Session(flow_of(ORDERS + BYE), line, world, start).run()
        return taken

    return shop, run_virtual(one_call())


def test_given_a_source_that_must_not_be_asked_twice_when_killed_inside_then_the_next_session_does_not_ask() -> None:
    marks = Marks([])
    shop, _ = ordered(marks, None, "1", "2")
    # Each time it was asked, that was written down before; and it is, only while the caller is at that node.
    assert shop.asked == [True, True]
    assert [(mark.node, mark.asked) for mark in marks.marks] == [
        ("first", False), ("first", True), ("ask", False), ("first", False), ("first", True), ("ask", False),
        ("bye", False),
    ]  # fmt: skip
    before, inside = marks.marks[:2]
    again = Marks([])
    shop, taken = ordered(again, inside)
    assert shop.asked == [] and taken.heard == ["We shall look whether it was ordered."]
    assert again.marks[0].asked  # a second kill changes nothing
    shop, taken = ordered(Marks([]), before, "2")
    assert shop.asked == [True] and taken.heard[0] == "Ordered. Again."


def test_given_a_question_that_cannot_be_written_down_when_it_must_not_be_asked_twice_then_it_is_not_asked() -> None:
    shop, taken = ordered(Marks([], can_write=False))
    assert shop.asked == [] and taken.heard == ["Not ordered."]
    assert "it was not asked" in " ".join(taken.troubles)


def test_given_a_card_when_the_session_that_took_it_was_killed_then_the_provider_sees_the_same_request() -> None:
    nodes = "  first: {do: payment, amount: 12.5, currency: EUR, into: token, next: ask}\n"
    nodes += "  ask: {do: menu, text: Again., keys: {'1': first, '2': bye}}\n" + BYE
    flow = flow_of(nodes, "variables: {token: {type: text}}")
    card = ("4111111111111111#", "1230", "123#")

    def requests(marks: Marks, start: Bookmark | None, *keys: str) -> list[str]:
        seen: list[str] = []

        class Provider:
            async def tokenise(self, digits: Any, amount: Any, currency: str, key: str) -> str:
                seen.append(key)
                return "token-1"

        async def one_call() -> None:
            taken, given = Walk(), Given()
            world = simulated_world(given, taken, VirtualClock(), random.Random())
            world = replace(world, bookmarks=marks, tokeniser=Provider())
            await Session(flow, SimulatedLine(given, Presses(*keys), taken, lambda said: None), world, start).run()

        run_virtual(one_call())
        return seen

    marks = Marks([])
    first, second = requests(marks, None, *card, "1", *card, "2")
    assert first != second
    assert requests(Marks([]), marks.marks[0], *card, "2") == [first]
    assert requests(Marks([]), marks.marks[2], *card, "2") == [second]
