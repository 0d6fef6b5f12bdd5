"""Nobody hears silence while a back end, or the voice itself, takes its time."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from pytest import mark

from ivr.given import Given
from ivr.line import Played
from ivr.port import SpeechOut, Spoken
from ivr.session import Session
from ivr.simulate import SimulatedLine, Walk, simulated_world, walk
from telephony.sim.virtual_time import VirtualClock, run_virtual
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


class SlowVoice:
    """Makes what is a caller's own in `own_s`, and the words for waiting in `words_s`; the rest is at hand."""

    def __init__(self, inner: SpeechOut, own_s: float, words_s: float) -> None:
        self._inner = inner
        self._own_s, self._words_s = own_s, words_s

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        if any(part.private for part in parts):
            await asyncio.sleep(self._own_s)
        elif "moment" in str(parts[0].value):
            await asyncio.sleep(self._words_s)
        return await self._inner.render(parts, language)


class TimedLine(SimulatedLine):
    """Keeps when something was heard: from, until, what."""

    def __init__(self, given: Given, actor: Presses, taken: Walk, clock: VirtualClock) -> None:
        super().__init__(given, actor, taken, lambda said: None)
        self.heard: list[tuple[float, float, str]] = []
        self._clock = clock

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        began_s = self._clock.monotonic_s()
        played = await super().play(media, barge_in=barge_in)
        self.heard.append((began_s, self._clock.monotonic_s(), " ".join(media)))
        return played


OWN = """\
  first: {do: say, text: Welcome., next: look}
  look: {do: lookup, source: s, into: {x: x}, timeout_s: 9, next: tell}
  tell: {do: say, text: "It is {x}.", next: bye, failed: bye}
  bye: {do: goodbye, text: Goodbye.}"""


def told_slowly(own_s: float, words_s: float = 0.0, source_s: float = 0.0) -> TimedLine:
    """A call whose voice is slow."""

    async def one_call() -> TimedLine:
        given = Given.model_validate({"lookups": {"s": {"slow_s": source_s, "found": {"x": 5}}}})
        taken, clock = Walk(), VirtualClock()
        world = simulated_world(given, taken, clock, random.Random(1))
        line = TimedLine(given, Presses(), taken, clock)
        world = replace(world, speech=SlowVoice(world.speech, own_s, words_s))
        await Session(flow_of(OWN, "variables: {x: {type: number}}"), line, world).run()
        return line

    return run_virtual(one_call())


@mark.parametrize(("own_s", "words_s"), [(0.0, 0.0), (0.45, 0.0), (3.0, 0.0), (12.0, 0.0), (12.0, 4.0)])
@mark.parametrize("source_s", [0.0, 0.45, 0.95, 2.0])
def test_given_a_voice_that_takes_long_when_it_speaks_then_no_silence_is_longer_than_a_second(
    own_s: float, words_s: float, source_s: float
) -> None:
    line = told_slowly(own_s, words_s, source_s)
    said = [words for _, _, words in line.heard]
    assert [words for words in said if words not in ("[waiting]", "One moment, please.")] == [
        "Welcome.", "It is 5 .", "Goodbye."
    ]  # fmt: skip
    assert max(after[0] - before[1] for before, after in pairwise(line.heard)) < 0.7
    assert ("[waiting]" in said) == (own_s > 0.5 or source_s > 0.5 or own_s + source_s > 0.7)
    # The words, too, are waited for with the sound.
    assert ("One moment, please." in said) == (max(own_s, source_s) > max(1.0, words_s))


def test_given_a_voice_that_never_comes_back_when_it_speaks_then_the_branch_for_failures_is_taken() -> None:
    line = told_slowly(3600.0)
    assert [line.heard[0][2], line.heard[-1][2]] == ["Welcome.", "Goodbye."]
    assert 10.0 < line.heard[-1][0] - line.heard[0][1] < 20.0
