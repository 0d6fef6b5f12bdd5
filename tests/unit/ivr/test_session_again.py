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


SENDS = """  first: {do: send, channel: sms, to: caller, text: Hi., next: ask}
  ask: {do: menu, text: Again., keys: {"1": first, "2": end}}
  end: {do: goodbye, text: Bye.}
"""


def test_given_messages_of_one_node_when_a_killed_session_goes_on_then_each_keeps_its_id() -> None:
    flow, marks = flow_of(SENDS), list[Bookmark]()

    class Bookmarks:
        def keep(self, bookmark: Bookmark) -> None:
            marks.append(bookmark)

        async def kept(self, call_id: str) -> None:
            pass

        def drop(self, call_id: str) -> None:
            pass

    def sent(mark: Bookmark | None, *keys: str) -> list[str]:
        async def one_call() -> Walk:
            taken, given = Walk(), Given(caller="+34600111222")
            world = replace(simulated_world(given, taken, VirtualClock(), random.Random()), bookmarks=Bookmarks())
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
