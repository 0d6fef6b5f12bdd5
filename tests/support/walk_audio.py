"""What a caller's phone heard, held against what should have been said: there, whole, in its language, without gaps."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ivr.line import Played
from ivr.port import Spoken
from ivr.speech import FlowSpeech
from media import levels
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from media.speech.tongue import Tongue
from tests.support.walk_line import Said, Turn

Samples = NDArray[np.int16]
Packet = tuple[float, int, bytes]

LONGEST_GAP_S = 1.0
THERE = 0.8
"""Similarity of a prompt that was heard as it should be; G.711 alone leaves more than 0.98."""
OTHER = 0.6
"""Similarity that the same words in the other language must stay below."""
_BUFFER_S = 0.3
_WHOLE = 0.95
_PIECE_S, _LOUD_DBFS = 0.25, -40.0
_EDGE_S, _SLACK_S = 0.1, 0.06
_EARLY_S, _LATE_S = 0.6, 1.2  # the sender's clock and its sending wander apart by a few frames a minute
_SHORTEST_S = 0.35
# When an announcement was stopped for an answer is known to some tenths only, and less on a busy machine: what was cut
# in its first second and a half is not judged.
_SHORTEST_ANNOUNCED_S = 1.1
_LITTLE_S, _SURELY = 0.4, 0.9
_HELD_UP_S = 1.0  # an exchange that was not run for a moment: its words are whole, and `longest_gap` hears the pause


@dataclass(frozen=True, slots=True)
class Heard:
    """A call's audio on one time line. began_s: monotonic time of the first sample; nothing received is silence."""

    began_s: float
    samples: Samples

    def part(self, from_s: float, to_s: float) -> Samples:
        """What was heard between two moments."""
        first, last = (round((at_s - self.began_s) * SAMPLE_RATE_HZ) for at_s in (from_s, to_s))
        return self.samples[max(0, first) : max(0, last)]


def heard_of(packets: Sequence[Packet], decode: Callable[[bytes], Samples]) -> Heard:
    """Packets (monotonic time of arrival, RTP time stamp, payload) as a telephone with a small buffer plays them.

    Sound that goes on is played without a seam, unless it stalled; after a pause it begins when it comes.
    """
    if not packets:
        return Heard(0.0, np.zeros(0, np.int16))
    began_s, places, before = packets[0][0], [0], packets[0]
    for packet in packets[1:]:
        due, came = places[-1] + FRAME_SAMPLES, round((packet[0] - began_s) * SAMPLE_RATE_HZ)
        # An exchange's stamps jump by a sample or two in the middle of a prompt: no telephone plays that.
        goes_on = abs((packet[1] - before[1]) % 2**32 - FRAME_SAMPLES) < FRAME_SAMPLES // 2
        stalled = packet[0] - before[0] > _BUFFER_S and came - due > _BUFFER_S * SAMPLE_RATE_HZ
        places.append(due if goes_on and not stalled else max(due, came))
        before = packet
    samples = np.zeros(places[-1] + 2 * SAMPLE_RATE_HZ, np.int16)  # room for what was never sent
    for place, (_, _, payload) in zip(places, packets, strict=True):
        sound = decode(payload)
        samples[place : place + len(sound)] = sound
    return Heard(began_s, samples)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one call. prompts: how many were compared whole; weakest: the least similarity of them."""

    prompts: int
    weakest: float
    longest_gap_s: float
    faults: tuple[str, ...]


class Listener:
    """Compares with speech made anew from the words. Keeps what it made: the same words come again and again."""

    def __init__(self, speech: FlowSpeech) -> None:
        self._speech = speech
        self._made: dict[tuple[tuple[Spoken, ...], str], Samples] = {}

    def check(self, heard: Heard, said: Iterable[Said], turns: Sequence[Turn], end_s: float) -> Checked:
        """Every prompt, and every gap where silence was not right. Blocking (some 10 ms a prompt)."""
        faults: list[str] = []
        weakest, count, told = 1.0, 0, list(said)
        for each in told:
            similarity, problems = self._prompt(heard, each, end_s)
            faults += problems
            if similarity is not None:
                count, weakest = count + 1, min(weakest, similarity)
        gap_s, where_s = longest_gap(heard, turns, end_s)
        if gap_s > LONGEST_GAP_S:
            next_ = next((_words(each) for each in told if each.began_s - turns[0].at_s > where_s), "the end")
            faults.append(f"a gap of {gap_s:.2f} s at {where_s:.1f} s, before: {next_}")
        return Checked(count, weakest, gap_s, tuple(faults))

    def _prompt(self, heard: Heard, said: Said, end_s: float) -> tuple[float | None, list[str]]:
        wanted, words = self.made(said.parts, said.language), _words(said)
        length_s = len(wanted) / SAMPLE_RATE_HZ
        cut = said.how is not Played.ENDED or (said.ended_s or end_s) > end_s
        if cut:  # by a key, a hang-up, an agent: its beginning must have been heard
            length_s = min(length_s, (said.ended_s or end_s) - said.began_s - 0.4, end_s - said.began_s - 0.4)
            if length_s < (_SHORTEST_ANNOUNCED_S if said.announced else _SHORTEST_S):
                return None, []
            wanted = wanted[: int(length_s * SAMPLE_RATE_HZ)]
        window = heard.part(said.began_s - _EARLY_S, said.began_s + length_s + _LATE_S)
        found = levels.find(wanted, window)
        similarity, places = found.similarity, [found.offset_s, found.offset_s]
        if similarity < _WHOLE:
            similarity, places = _in_pieces(wanted, window)
        if similarity < THERE:
            return similarity, [f"not heard ({similarity:.2f}): {words}"]
        problems = [f"its {edge} is cut: {words}" for edge in _cut_edges(wanted, window, places, cut)]
        other = self.made(said.parts, "en" if said.language.startswith("es") else "es")
        if len(other) and not _same_sound(other, wanted):
            strange = levels.find(other[: len(window)], window).similarity
            if strange > OTHER:
                problems.append(f"sounds like the other language ({strange:.2f}): {words}")
        return similarity, problems

    def made(self, parts: tuple[Spoken, ...], language: str) -> Samples:
        """The words in a language, as they should be heard."""
        key = parts, language
        if key not in self._made:
            country = self._speech._country
            tag = f"{language}-{country}" if country and "-" not in language else language
            phrase = self._speech._phrase(parts, Tongue.of(tag))
            self._made[key] = self._speech._speaker.samples(phrase, tag)
        return self._made[key]


def _in_pieces(wanted: Samples, window: Samples) -> tuple[float, list[float]]:
    """The share of its loud pieces that were heard, one after the other, and where the first and the last lie.

    A busy exchange sends a frame late now and then: the words are whole, but no more in step with the recording.
    """
    size, places, count, shift = int(_PIECE_S * SAMPLE_RATE_HZ), [], 0, 0
    whole = int((_EARLY_S + _LATE_S) * SAMPLE_RATE_HZ)
    for start in range(0, len(wanted) - size + 1, size):
        piece = wanted[start : start + size]
        if levels.dbfs(piece) < _LOUD_DBFS:
            continue
        count += 1
        # The first may be anywhere; those that follow only a little later than the one before, or a pause later.
        early, rooms = (400, (4000, int(_HELD_UP_S * SAMPLE_RATE_HZ))) if places else (0, (whole,))
        first = max(0, start + shift - early)
        near = (levels.find(piece, window[first : start + shift + size + late]) for late in rooms)
        found = next((each for each in near if each.similarity >= THERE), levels.Match(0.0, 0.0))
        if found.similarity >= THERE:
            shift = first + round(found.offset_s * SAMPLE_RATE_HZ) - start
            places.append(shift / SAMPLE_RATE_HZ)
    return len(places) / max(1, count), [places[0], places[-1]] if places else [0.0, 0.0]


def _cut_edges(wanted: Samples, window: Samples, places: Sequence[float], open_end: bool) -> list[str]:
    """Which end is not heard. places: by how much the first and the last part are later than the window's begin."""
    size, slack = int(_EDGE_S * SAMPLE_RATE_HZ), int(_SLACK_S * SAMPLE_RATE_HZ)
    loud = np.flatnonzero(levels.frame_dbfs(wanted) > levels.SILENT_DBFS) * FRAME_SAMPLES
    if not len(loud):
        return []
    first, last = int(loud[0]), int(loud[-1]) + FRAME_SAMPLES
    edges = {"beginning": (first, places[0])}
    if not open_end:
        edges["end"] = (max(first, last - size), places[1])
    cut = []
    # A prompt that was held up between its first piece and the next is whole: its edge lies that much further out. What
    # is looked for so far away must be the more alike.
    rooms = ((_LITTLE_S, THERE), (_HELD_UP_S, _SURELY))
    for name, (start, place_s) in edges.items():
        at = start + round(place_s * SAMPLE_RATE_HZ)
        if not any(_is_near(wanted[start : start + size], window, at, name, slack, *room) for room in rooms):
            cut.append(name)
    return cut


def _is_near(
    edge: Samples, window: Samples, at: int, name: str, slack: int, held_up_s: float, similarity: float
) -> bool:
    """Whether an edge is heard near a place: later when it is the end, earlier when it is the beginning."""
    out = int(held_up_s * SAMPLE_RATE_HZ)
    early, late = (out, slack) if name == "beginning" else (slack, out)
    return levels.find(edge, window[max(0, at - early) : at + len(edge) + late]).similarity >= similarity


def _likeness(one: Samples, other: Samples) -> float:
    size = min(len(one), len(other))
    a, b = one[:size].astype(float), other[:size].astype(float)
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm else 0.0


def _same_sound(one: Samples, other: Samples) -> bool:
    return len(one) == len(other) and _likeness(one, other) > 0.95


def longest_gap(heard: Heard, turns: Sequence[Turn], end_s: float) -> tuple[float, float]:
    """The longest silence while it was our turn, and when it began, in seconds after the first turn."""
    longest, where = 0.0, 0.0
    ends = [*(turn.at_s for turn in turns[1:]), end_s]
    for turn, until_s in zip(turns, ends, strict=True):
        if turn.callers:
            continue
        quiet = levels.frame_dbfs(heard.part(turn.at_s, min(until_s, end_s))) <= levels.SILENT_DBFS
        at = 0
        for is_quiet, run in groupby(quiet.tolist()):
            length = sum(1 for _ in run)
            if is_quiet and length * 0.02 > longest:
                longest, where = length * 0.02, turn.at_s + at * 0.02 - turns[0].at_s
            at += length
    return longest, where


def _words(said: Said) -> str:
    return " ".join(str(part.value) for part in said.parts)[:70]
