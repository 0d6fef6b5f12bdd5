"""Calls built from clips by a seeded recipe: somebody or something answers, on a line that is what lines are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from amd.training import effects
from amd.training.clips import Clip, Wave, of_kind, trim
from amd.verdict import CallClass
from media.frames import SAMPLE_RATE_HZ

Chance = np.random.Generator
SHORTEST_GREETING_S = 3.6
_CROWDS = ("crowd", "contributor", "librispeech")  # what the manifest calls a speaker that nobody noted


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what answered, where its greeting ends (s since answer), how it was built."""

    samples: NDArray[np.int16]
    call_class: CallClass
    speech_end_s: float
    subset: str
    line: str
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said when a call is answered, before the line touches it."""

    wave: Wave
    call_class: CallClass
    subset: str
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class LineSettings:
    """The line of one call. Levels in dBFS; None leaves an effect out."""

    lead_s: tuple[float, float] = (0.1, 1.5)
    level_db: tuple[float, float] = (-32.0, -16.0)
    noise_db: tuple[float, float] = (-72.0, -42.0)
    codec: str | None = None
    loss: float = 0.0
    background_db: float | None = None
    background_kind: str = ""
    clip_start_s: float = 0.0
    tail_s: float = 6.0
    longest_s: float = 16.0
    name: str = "clean"


class Recipe:
    """Builds answers from clips: people and machines, in the mix that training or testing wants."""

    def __init__(self, clips: Sequence[Clip], chance: Chance, *, training: bool) -> None:
        self.chance = chance
        self.training = training
        self._groups: dict[int, list[list[Clip]]] = {}  # by the identity of the lists below, which never change
        self.words = of_kind(clips, "human_short")
        self.sentences = [
            clip
            for clip in of_kind(clips, "human_sentence", "human_short", "speech_voicemail_message")
            if clip.seconds >= 1.2
        ]
        self.talkers = of_kind(clips, "conversation", "speech_voicemail_message")
        self.short_prompts = [clip for clip in of_kind(clips, "machine_prompt") if 0.3 <= clip.seconds <= 1.6]
        self.long_people = [
            clip
            for clip in of_kind(clips, "human_sentence", "speech_voicemail_message", "conversation")
            if clip.seconds >= 4.5
        ]
        self.prompts = [clip for clip in of_kind(clips, "machine_prompt") if clip.seconds >= 0.8]
        self.short_sentences = [clip for clip in self.prompts if clip.seconds <= 3.2]
        self.long_prompts = [clip for clip in self.prompts if clip.seconds >= 3.5]
        self.greetings = of_kind(clips, "machine_greeting")
        self.noises = [clip.wave for clip in of_kind(clips, "noise")]
        self.musics = [clip.wave for clip in of_kind(clips, "moh")]
        talk = of_kind(clips, "conversation", "human_sentence", "speech_voicemail_message")
        self.talks = [clip.wave for clip in talk if clip.seconds > 3]

    def person(self) -> Answer:
        """Somebody answers: a word, two, a sentence, a word and a sentence."""
        makers: list[tuple[float, Callable[[], Answer | None]]] = [
            (0.58, self._word),
            (0.22, self._two_words),
            (0.22, self._sentence),
        ]
        if self.training:
            makers += [(0.05, self._talk), (0.03, self._joined_words)]
            makers += [(0.08, self._talent_as_person), (0.22, self._talent_sentence)]
        answer = self._pick(makers)
        return replace(answer, wave=self._another_voice(answer.wave)) if self.training else answer

    def machine(self) -> Answer:
        """A recording answers: a greeting, prompts in a row, or (in training) a person's own long greeting."""
        makers: list[tuple[float, Callable[[], Answer | None]]] = [
            (0.25, self._greeting),
            (0.30, self._prompt),
            (0.36 if self.training else 0.25, self._prompts_in_a_row),
        ]
        if self.training:
            makers += [(0.10, self._long_person), (0.18, self._spoken_words), (0.32, self._personal_greeting)]
        return self._pick(makers)

    def _pick(self, makers: Sequence[tuple[float, Callable[[], Answer | None]]]) -> Answer:
        weights = np.array([weight for weight, _ in makers])
        for _ in range(50):
            maker = makers[int(self.chance.choice(len(makers), p=weights / weights.sum()))][1]
            answer = maker()
            if answer is not None:
                return answer
        raise ValueError("these clips give no such call: too few people or prompts among them")

    def _one(self, clips: Sequence[Clip]) -> Clip | None:
        """A clip of a source drawn first, so that a large source does not drown the small."""
        if not clips:
            return None
        if self.training:
            groups = self._by_source(clips)
            weights = np.array([len(group) for group in groups]) ** 0.5
            clips = groups[int(self.chance.choice(len(groups), p=weights / weights.sum()))]
        return clips[int(self.chance.integers(len(clips)))]

    def _by_source(self, clips: Sequence[Clip]) -> list[list[Clip]]:
        known = self._groups.get(id(clips))
        if known is None:
            sources: dict[str, list[Clip]] = {}
            for clip in clips:
                sources.setdefault(clip.source, []).append(clip)
            known = self._groups[id(clips)] = list(sources.values())
        return known

    def _word(self) -> Answer | None:
        clip = self._one(self.words)
        if clip is None:
            return None
        wave = self._piece(clip, 0.2, 1.3) if clip.seconds > 1.4 else clip.wave
        return None if wave is None else _person(wave, "one utterance", clip)

    def _two_words(self) -> Answer | None:
        first = self._one(self.words)
        if first is None:
            return None
        friends = self._friends(first)
        second = friends[int(self.chance.integers(len(friends)))]
        parts = [self._short(clip) for clip in (first, second)]
        gap = np.zeros(int(self.chance.uniform(0.2, 0.7) * SAMPLE_RATE_HZ), dtype=np.float32)
        same_level = effects.at_level(parts[1], effects.rms_db(parts[0]) + self.chance.normal(0, 2))
        return _person(np.concatenate([parts[0], gap, same_level]), "two utterances", first)

    def _short(self, clip: Clip) -> Wave:
        if clip.seconds <= 1.3:
            return clip.wave
        piece = self._piece(clip, 0.2, 1.3)
        return clip.wave[: int(1.2 * SAMPLE_RATE_HZ)] if piece is None else piece

    def _sentence(self) -> Answer | None:
        clip = self._one(self.sentences)
        wave = None if clip is None else self._piece(clip, 1.2, 3.0)
        return None if clip is None or wave is None else _person(wave, "one sentence", clip)

    def _talk(self) -> Answer | None:
        """A sentence out of a conversation: nobody reads it."""
        clip = self._one(self.talkers)
        wave = None if clip is None else self._piece(clip, 1.2, 3.0)
        return None if clip is None or wave is None else _person(wave, "one sentence", clip)

    def _joined_words(self) -> Answer | None:
        """Words of one speaker so close together that they make a sentence: most speakers of the data say no other."""
        first = self._one(self.words)
        if first is None:
            return None
        wanted_s = self.chance.uniform(1.2, 2.8)
        wave = self._sentence_of_words(first, wanted_s)
        return _person(wave, "joined words", first) if len(wave) <= 3.2 * SAMPLE_RATE_HZ else None

    def _sentence_of_words(self, first: Clip, wanted_s: float) -> Wave:
        parts = [self._short(first)]
        while _seconds(parts) < wanted_s - 0.2:
            parts.append(self._quiet(0.02, 0.13))
            parts.append(self._next_word(first, parts[0]))
        return np.concatenate(parts)

    def _next_word(self, first: Clip, sounds_like: Wave) -> Wave:
        """Another word of the same speaker; the same clip in another tone where the speakers are not told apart."""
        if not first.speaker.startswith(_CROWDS):
            friends = self._friends(first)
            word = self._short(friends[int(self.chance.integers(len(friends)))])
        else:
            word = self._short(first)
        word = effects.faster(word, self.chance.uniform(0.93, 1.08))
        return effects.at_level(word, effects.rms_db(sounds_like) + self.chance.normal(-1, 2))

    def _friends(self, first: Clip) -> list[Clip]:
        return [c for c in self.words if c.speaker == first.speaker and c.source == first.source]

    def _another_voice(self, wave: Wave) -> Wave:
        """More speakers out of few: higher and quicker or lower and slower, livelier or flatter, in a room."""
        if self.chance.random() < 0.6:
            wave = effects.faster(wave, self.chance.uniform(0.84, 1.2))
        if self.chance.random() < 0.4:
            wave = effects.with_dynamics(wave, self.chance.uniform(0.7, 1.9))
        if self.chance.random() < 0.2:
            wave = effects.roomy(wave, self.chance)
        return wave

    def _piece(self, clip: Clip, least_s: float, most_s: float) -> Wave | None:
        """A stretch between two pauses of a recording that lasts as long as wanted."""
        cuts = clip.cuts
        least, most = least_s * SAMPLE_RATE_HZ, most_s * SAMPLE_RATE_HZ
        spans = [(a, b) for i, a in enumerate(cuts) for b in cuts[i + 1 :] if least <= b - a <= most]
        if not spans:
            return None
        first, last = spans[int(self.chance.integers(len(spans)))]
        return trim(clip.wave[first:last])

    def _talent_as_person(self) -> Answer | None:
        """Breaks a shortcut: a studio voice that says one short thing and waits counts as a person."""
        clip = self._one(self.short_prompts)
        return None if clip is None else _person(clip.wave, "talent", clip)

    def _talent_sentence(self) -> Answer | None:
        """The same for one sentence: whose voice it is must not tell; what comes, or does not, after it must."""
        clip = self._one(self.prompts)
        if clip is None or clip.seconds < 1.2:
            return None
        wave = clip.wave if clip.seconds <= 3.0 and self.chance.random() < 0.6 else self._piece(clip, 1.2, 3.0)
        return None if wave is None else _person(wave, "talent sentence", clip)

    def _greeting(self) -> Answer | None:
        """A joined greeting. A short one is followed by another: alone nobody could tell it from a person."""
        clip = self._one(self.greetings)
        if clip is None:
            return None
        friends = [other for other in self.greetings if other.speaker == clip.speaker and other.source == clip.source]
        parts = [clip.wave]
        while _seconds(parts) < SHORTEST_GREETING_S:
            parts += [self._quiet(0.3, 0.8), friends[int(self.chance.integers(len(friends)))].wave]
        return _machine(self._restyled(np.concatenate(parts)), "greeting", clip)

    def _prompt(self) -> Answer | None:
        clip = self._one(self.long_prompts)
        return None if clip is None else _machine(self._restyled(clip.wave), "prompt", clip)

    def _prompts_in_a_row(self) -> Answer | None:
        short = self.training and self.chance.random() < 0.5
        first = self._one(self.short_sentences if short else self.prompts)
        if first is None or (first.seconds < 1.2 and not self.training):
            return None
        friends = [clip for clip in self.prompts if clip.source == first.source]
        wanted_s = self.chance.uniform(4.5, 9.0)
        parts: list[Wave] = [first.wave]
        while _seconds(parts) < wanted_s:
            parts.append(self._quiet(0.2, 1.0) if self.training else self._quiet(0.3, 0.85))
            parts.append(friends[int(self.chance.integers(len(friends)))].wave)
        wave = np.concatenate(parts)[: 12 * SAMPLE_RATE_HZ]
        if self.training:
            wave = self._another_voice(wave)
        return _machine(wave, "prompts in a row", first)

    def _long_person(self) -> Answer | None:
        """Most greetings are spoken by their owners: long speech by people counts as a machine."""
        clip = self._one(self.long_people)
        if clip is None:
            return None
        start = 0
        if clip.seconds > 8:
            start = int(self.chance.integers(int((clip.seconds - 7) * SAMPLE_RATE_HZ)))
        return _machine(self._restyled(clip.wave[start:]), "personal greeting", clip)

    def _personal_greeting(self) -> Answer | None:
        """An owner's greeting of several sentences: people's sentences with pauses between them count as a machine."""
        first = self._one(self.sentences if self.chance.random() < 0.75 else self.talkers)
        if first is None:
            return None
        same = [clip for clip in self.sentences if clip.speaker == first.speaker and clip.source == first.source]
        wanted_s = self.chance.uniform(4.5, 8.5)
        parts: list[Wave] = []
        clip = first
        while _seconds(parts) < wanted_s:
            piece = self._piece(clip, 0.8, 3.2)
            parts += [clip.wave[: 3 * SAMPLE_RATE_HZ] if piece is None else piece, self._quiet(0.25, 1.0)]
            if same and self.chance.random() < 0.7:
                clip = same[int(self.chance.integers(len(same)))]
        return _machine(self._another_voice(np.concatenate(parts)), "personal greeting", first)

    def _spoken_words(self) -> Answer | None:
        """The same in voices of which there are only words: most speakers of the data."""
        first = self._one(self.words)
        if first is None:
            return None
        wanted_s = self.chance.uniform(4.5, 8.0)
        parts: list[Wave] = []
        while _seconds(parts) < wanted_s:
            parts += [self._sentence_of_words(first, self.chance.uniform(0.9, 2.6)), self._quiet(0.25, 1.0)]
        return _machine(self._another_voice(np.concatenate(parts)), "spoken words", first)

    def _quiet(self, shortest_s: float, longest_s: float) -> Wave:
        return np.zeros(int(self.chance.uniform(shortest_s, longest_s) * SAMPLE_RATE_HZ), dtype=np.float32)

    def _restyled(self, wave: Wave) -> Wave:
        """Another maker's hand: speed, pauses, digital silence."""
        if not self.training:
            return wave
        wave = wave[: 12 * SAMPLE_RATE_HZ]
        if self.chance.random() < 0.5:
            wave = effects.faster(wave, self.chance.uniform(0.86, 1.18))
        if self.chance.random() < 0.7:
            wave = effects.stretch_pauses(wave, self.chance)
        if self.chance.random() < 0.45:
            wave = effects.with_dynamics(wave, self.chance.uniform(0.7, 2.0))
        return effects.roomy(wave, self.chance) if self.chance.random() < 0.2 else wave

    def line(self) -> LineSettings:
        """A line drawn at random for training."""
        kind = str(self.chance.choice(["clean", "noise", "speech", "music"], p=[0.58, 0.09, 0.2, 0.13]))
        return LineSettings(
            codec=[None, "ULAW", "ALAW", "GSM610"][int(self.chance.choice(4, p=[0.4, 0.21, 0.21, 0.18]))],
            loss=float(self.chance.uniform(0, 0.05)) if self.chance.random() < 0.25 else 0.0,
            background_db=None if kind == "clean" else float(self.chance.uniform(-50, -36)),
            background_kind=kind,
            clip_start_s=float(self.chance.uniform(0.03, 0.2)) if self.chance.random() < 0.1 else 0.0,
            tail_s=4.0,
            longest_s=8.0,  # later than any verdict
            level_db=(-36.0, -10.0),
        )

    def call(self, answer: Answer, line: LineSettings) -> Call:
        """Send an answer through a line."""
        chance = self.chance
        wave = answer.wave[: int(line.longest_s * SAMPLE_RATE_HZ)]
        if self.training:
            wave = effects.tilted(wave, chance)
            if chance.random() < 0.35:
                wave = effects.gated(wave)
        if line.clip_start_s:
            wave = wave[int(line.clip_start_s * SAMPLE_RATE_HZ) :]
        wave = effects.at_level(wave, chance.uniform(*line.level_db))
        lead = int(chance.uniform(*line.lead_s) * SAMPLE_RATE_HZ) if not line.clip_start_s else 0
        tail = int(line.tail_s * SAMPLE_RATE_HZ)
        whole = np.concatenate([np.zeros(lead, dtype=np.float32), wave, np.zeros(tail, dtype=np.float32)])
        whole = whole[: int(line.longest_s * SAMPLE_RATE_HZ)]
        noise = chance.normal(0, 10 ** (chance.uniform(*line.noise_db) / 20), len(whole)).astype(np.float32)
        if line.background_db is not None:
            noise += self._background(line, len(whole))
        samples = effects.to_int16(whole + noise)
        if line.codec is not None:
            samples = effects.through_codec(samples, line.codec)
        if line.loss:
            samples = effects.with_loss(samples, chance, line.loss)
        return Call(
            samples=samples,
            call_class=answer.call_class,
            speech_end_s=(lead + len(wave)) / SAMPLE_RATE_HZ,
            subset=answer.subset,
            line=line.name,
            source=answer.source,
            language=answer.language,
        )

    def _background(self, line: LineSettings, length: int) -> Wave:
        waves = {"noise": self.noises, "speech": self.talks, "music": self.musics}[line.background_kind]
        if not waves or line.background_db is None:
            return np.zeros(length, dtype=np.float32)
        return effects.background(waves, length, line.background_db, self.chance)


def _seconds(parts: Sequence[Wave]) -> float:
    return sum(map(len, parts)) / SAMPLE_RATE_HZ


def _person(wave: Wave, subset: str, clip: Clip) -> Answer:
    return Answer(wave, CallClass.HUMAN, subset, clip.source, clip.language)


def _machine(wave: Wave, subset: str, clip: Clip) -> Answer:
    return Answer(wave[: 12 * SAMPLE_RATE_HZ], CallClass.MACHINE, subset, clip.source, clip.language)


LINES: dict[str, LineSettings] = {
    "clean": LineSettings(noise_db=(-72.0, -55.0)),
    "line noise": LineSettings(noise_db=(-50.0, -42.0), name="line noise"),
    "GSM": LineSettings(codec="GSM610", name="GSM"),
    "3 % loss": LineSettings(codec="ALAW", loss=0.03, name="3 % loss"),
    "background speech": LineSettings(background_db=-42.0, background_kind="speech", name="background speech"),
    "background music": LineSettings(background_db=-42.0, background_kind="music", name="background music"),
    "clipped start": LineSettings(clip_start_s=0.12, name="clipped start"),
    "-40 dBFS": LineSettings(level_db=(-40.0, -40.0), noise_db=(-72.0, -66.0), name="-40 dBFS"),
    "-6 dBFS": LineSettings(level_db=(-6.0, -6.0), name="-6 dBFS"),
}
"""The lines of the robustness table."""


def with_name(line: LineSettings, name: str) -> LineSettings:
    """The same line under another name."""
    return replace(line, name=name)
