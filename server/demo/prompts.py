"""What each far end says, built once into a folder as wav files that Asterisk plays, with the times of what is in them.

A far end that answers plays its greeting file and then its after file, over and over. Both carry line noise from the
first sample to the last, as a telephone does: the moment of connection can be measured in the audio.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from media import soundfiles, tones
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from server.demo import voices
from server.demo.behaviours import FAR_ENDS, PERSON_VOICES, Behaviour, FarEnd, Phase
from server.demo.synthesis import Sound, from_pcm, line_noise, samples_of, silence, to_pcm

_TAIL_S = 0.1
_INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The files of one far end and what is where in the greeting file, in ms from its first sample.

    greeting, after: paths without extension. greeting_start_ms, greeting_end_ms: the first thing said (or sounded).
    beep_end_ms: end of a voicemail's beep. person_end_ms: end of the greeting of a person who comes on the line later.
    """

    greeting: str
    after: str
    length_ms: int
    greeting_start_ms: int
    greeting_end_ms: int
    beep_end_ms: int | None = None
    person_end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Script:
    """A greeting in pieces: wait, first sound, then what follows it (a pause and a beep, a pause and a person)."""

    lead_s: float
    first: Sound
    then: Sound
    after: Sound
    beep: bool = False
    person: bool = False


def build_prompts(directory: Path, sounds_dir: Path) -> dict[int, Prompt]:
    """Write the wav files of every far end that sounds; returns code -> prompt. Blocking, about a second.

    sounds_dir: Asterisk's sounds with folders "en" and "es". Raises FileNotFoundError when a prompt is missing there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    audible = (far_end for far_end in FAR_ENDS.values() if far_end.rule.phase in (Phase.EARLY_MEDIA, Phase.ANSWERED))
    prompts = {
        far_end.code: _write(directory, far_end, _SCRIPTS[far_end.behaviour](far_end.variant, sounds_dir))
        for far_end in audible
    }
    (directory / _INDEX).write_text(json.dumps({code: asdict(prompt) for code, prompt in prompts.items()}))
    directory.chmod(0o755)
    return prompts


def read_prompts(directory: Path) -> dict[int, Prompt]:
    """What `build_prompts` wrote there, without building it again."""
    index = json.loads((directory / _INDEX).read_text())
    return {int(code): Prompt(**prompt) for code, prompt in index.items()}


def _write(directory: Path, far_end: FarEnd, script: _Script) -> Prompt:
    tail = silence(_TAIL_S)
    greeting = np.concatenate([silence(script.lead_s), script.first, script.then, tail])
    start_s, end_s = (script.lead_s + at_s for at_s in voices.speech_span_s(script.first))
    loud_until = len(greeting) - len(tail)
    prompt = Prompt(
        greeting=_save(directory / f"far-{far_end.code:02d}-greeting", greeting, far_end.code),
        after=_save(directory / f"far-{far_end.code:02d}-after", script.after, 100 + far_end.code),
        length_ms=_ms(len(greeting)),
        greeting_start_ms=round(start_s * 1000),
        greeting_end_ms=round(end_s * 1000),
        beep_end_ms=_ms(loud_until) if script.beep else None,
        person_end_ms=_ms(loud_until) if script.person else None,
    )
    return prompt


def _save(stem: Path, sound: Sound, seed: int) -> str:
    """Whole frames only: Asterisk would send a shorter packet in the middle of a call."""
    path = stem.with_suffix(".wav")
    sound = np.concatenate([sound, np.zeros(-len(sound) % FRAME_SAMPLES)])
    soundfiles.save(path, to_pcm(sound + line_noise(len(sound), seed)))
    path.chmod(0o644)
    return str(stem)


def _ms(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE_HZ)


def _joined(sounds: Sequence[Sound], gap_s: float) -> Sound:
    """Sounds one after the other with silence between them."""
    pieces = [piece for sound in sounds for piece in (sound, silence(gap_s))]
    return np.concatenate(pieces[:-1])


# ---- people


def _lead_s(variant: int) -> float:
    """How long somebody takes to speak after picking up."""
    return 0.2 + 0.09 * variant


def _turns(bursts: Sequence[Sound], variant: int) -> Sound:
    """A conversation's one side: listens, talks, listens longer, talks..."""
    pieces: list[Sound] = []
    for turn, burst in enumerate(bursts):
        pieces += [silence(1.8 + 0.15 * variant + 0.9 * turn), burst]
    return np.concatenate([*pieces, silence(1.0)])


def _word_talk(voice: int) -> Sound:
    spoken = voices.words(voice)
    return _turns([_joined(spoken[at:] + spoken[:at], 0.12)[: samples_of(2.4)] for at in (1, 3, 0)], voice)


def _sentence_talk(voice: int) -> Sound:
    greeting, talk = voices.sentence(voice)
    return _turns([talk, _joined([talk, greeting], 0.3), talk], voice)


def _short_word(variant: int, _sounds_dir: Path) -> _Script:
    return _Script(_lead_s(variant), voices.words(variant)[0], silence(0.0), _word_talk(variant))


def _two_words(variant: int, _sounds_dir: Path) -> _Script:
    spoken = _joined(voices.words(variant)[:2], 0.22 + 0.04 * variant)
    return _Script(_lead_s(variant), spoken, silence(0.0), _word_talk(variant))


def _sentence(variant: int, _sounds_dir: Path) -> _Script:
    return _Script(_lead_s(variant), voices.sentence(variant)[0], silence(0.0), _sentence_talk(variant))


def _at_once(variant: int, sounds_dir: Path) -> _Script:
    return (_short_word, _two_words, _sentence)[variant](variant + 2, sounds_dir)


def _in_noise(variant: int, sounds_dir: Path) -> _Script:
    """The street: broadband noise and other people, 15 to 20 dB below the speaker."""
    script = (_short_word, _sentence, _two_words)[variant](variant + 4, sounds_dir)
    greeting = np.concatenate([silence(script.lead_s), script.first, silence(_TAIL_S)])
    noisy_after = script.after + _street(len(script.after), variant)
    street = _street(len(greeting), variant + 7)
    lead = samples_of(script.lead_s)
    first = (greeting + street)[lead : lead + len(script.first)]
    return _Script(script.lead_s, first, script.then, noisy_after)


def _street(length: int, seed: int) -> Sound:
    others = [_sentence_talk((seed + voice) % PERSON_VOICES) for voice in (1, 3)]
    return 0.06 * np.resize(np.concatenate(others), length) + line_noise(length, 500 + seed, -42.0)


# ---- machines


def _prompts_of(sounds_dir: Path, language: str, names: str, gap_s: float = 0.15) -> Sound:
    """Asterisk's prompts one after the other, without the silence at their edges: that would chop a sentence up."""
    spoken = [from_pcm(soundfiles.load(sounds_dir / language / f"{name}.wav")) for name in names.split()]
    return _joined([_trimmed(sound) for sound in spoken], gap_s)


def _trimmed(sound: Sound) -> Sound:
    start_s, end_s = voices.speech_span_s(sound)
    return sound[max(0, samples_of(start_s - 0.03)) : samples_of(end_s + 0.03)]


def _hiss() -> Sound:
    """A line on which nobody speaks."""
    return silence(10.0)


_UNAVAILABLE = "vm-theperson digits/6 digits/2 digits/7 vm-isunavail"
_VOICEMAILS = (
    ("en", f"{_UNAVAILABLE} vm-intro", 0.04, (1000.0, 0.40)),
    ("en", "vm-nobodyavail vm-intro", 0.15, (660.0, 0.24)),
    ("es", f"{_UNAVAILABLE} vm-intro", 0.15, (800.0, 0.50)),
    ("es", "vm-nobodyavail vm-intro", 0.15, (1336.0, 0.30)),
    ("es", "vm-intro", 0.15, (950.0, 0.78)),
    ("", "", 0.0, (1100.0, 0.35)),  # a greeting that its owner spoke
    ("en", "vm-nobodyavail vm-leavemsg vm-intro", 0.8, (700.0, 0.45)),
)


def _voicemail(variant: int, sounds_dir: Path) -> _Script:
    language, names, gap_s, (beep_hz, beep_s) = _VOICEMAILS[variant]
    spoken = _prompts_of(sounds_dir, language, names, gap_s) if language else _joined(voices.sentence(3), 0.25)
    then = np.concatenate([silence(0.5), from_pcm(tones.voicemail_beep(beep_hz, beep_s))])
    return _Script(0.4, spoken, then, _hiss(), beep=True)


def _picked_up(variant: int, sounds_dir: Path) -> _Script:
    """Somebody at home heard it ring, and takes the call while the mailbox records already."""
    mailbox = _voicemail(variant, sounds_dir)
    owner = np.concatenate([silence(1.2 + 0.8 * variant), _sentence_talk(variant + 1)])
    return replace(mailbox, after=owner)


def _language(variant: int) -> str:
    return ("en", "es")[variant]


def _announcement(variant: int, sounds_dir: Path) -> _Script:
    return _Script(0.3, _prompts_of(sounds_dir, _language(variant), "ss-noservice"), silence(0.0), _hiss())


def _unavailable(variant: int, sounds_dir: Path) -> _Script:
    return _Script(0.3, _prompts_of(sounds_dir, _language(variant), _UNAVAILABLE), silence(0.0), _hiss())


def _sit(variant: int, sounds_dir: Path) -> _Script:
    spoken = _prompts_of(sounds_dir, _language(variant), "ss-noservice")
    return _Script(0.2, from_pcm(tones.sit(tones.Sit.VACANT)), np.concatenate([silence(0.3), spoken]), _hiss())


def _screening(variant: int, sounds_dir: Path) -> Sound:
    return _prompts_of(sounds_dir, _language(variant), "privacy-unident priv-recordintro")


def _screening_connects(variant: int, sounds_dir: Path) -> _Script:
    person = voices.words(variant + 5)[0]
    then = np.concatenate([silence(5.0), person])
    return _Script(0.3, _screening(variant, sounds_dir), then, _word_talk(variant + 5), person=True)


def _screening_declines(variant: int, sounds_dir: Path) -> _Script:
    return _Script(0.3, _screening(variant, sounds_dir), silence(0.0), _hiss())


def _fax(_variant: int, _sounds_dir: Path) -> _Script:
    """T.30: 1.8 to 2.5 s of silence, then the answer tone; a machine that gets no reply sounds again."""
    answer_tone = from_pcm(tones.modem_answering(3.3))
    return _Script(1.9, answer_tone, silence(0.0), np.concatenate([silence(3.0), answer_tone]))


def _ringback(_variant: int, _sounds_dir: Path) -> _Script:
    ringing = from_pcm(tones.cadence(tones.COUNTRIES["ES"].ringback, 9.0, -22.0))
    return _Script(0.1, ringing, silence(0.0), ringing)


def _open_line(_variant: int, _sounds_dir: Path) -> _Script:
    return _Script(0.0, silence(1.0), silence(0.0), _hiss())


_SCRIPTS: dict[Behaviour, Callable[[int, Path], _Script]] = {
    Behaviour.PERSON_SHORT_WORD: _short_word,
    Behaviour.PERSON_TWO_WORDS: _two_words,
    Behaviour.PERSON_SENTENCE: _sentence,
    Behaviour.PERSON_HANGS_UP_AT_ONCE: _at_once,
    Behaviour.PERSON_IN_NOISE: _in_noise,
    Behaviour.VOICEMAIL: _voicemail,
    Behaviour.VOICEMAIL_PICKED_UP: _picked_up,
    Behaviour.SIT_EARLY: _sit,
    Behaviour.ANNOUNCEMENT_EARLY: _announcement,
    Behaviour.UNAVAILABLE_EARLY: _unavailable,
    Behaviour.ANNOUNCEMENT_ANSWERED: _announcement,
    Behaviour.SIT_ANSWERED: _sit,
    Behaviour.OPEN_LINE: _open_line,
    Behaviour.RINGBACK_ANSWERED: _ringback,
    Behaviour.FAX: _fax,
    Behaviour.SCREENING_CONNECTS: _screening_connects,
    Behaviour.SCREENING_DECLINES: _screening_declines,
}
