"""The same calls live and offline: through SIP, RTP and the tap of a real Asterisk, and straight from the file.

python -m benchmarks.amd.live [--data CLIPS] [--calls N] [--at-once N] [--json OUT]

Without --data the calls are built from what ships: the demo's voices, espeak-ng's greetings and synthesised tones.
Three judgements of every call are compared: live; the very frames that came through the tap, judged again afterwards
(must be the same verdict: the detector is the same code); and the file that was played, through A-law, with the silence
in front that the call had. The last differs where loss, timing or the line change something.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amd.bank import AmdBank
from amd.evaluate import clopper_pearson
from amd.offline import Hearing, hear
from amd.training.calls import LINES, Call, Recipe
from amd.training.clips import Clip, read_clips
from amd.training.effects import through_codec
from amd.training.synthetic import espeak_greetings
from amd.training.workshop import background_of, test_calls
from amd.verdict import AmdSettings
from benchmarks.amd.live_rig import LiveCall, rig
from benchmarks.amd.tone_calls import tone_calls
from benchmarks.amd.which import model_sha
from dialer.tapes import Tape
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from server.demo import voices
from server.demo.behaviours import PERSON_VOICES

SETTLE_S = 2.06


@dataclass(frozen=True, slots=True)
class Compared:
    """One call, three times judged: (first class, class 2 s later). Latencies in s of wall time, None when unknown.

    lead_s: silence that the call put before the file; after_greeting_s: from the greeting's end to the verdict in hand.
    """

    number: int
    truth: str
    subset: str
    line: str
    live: tuple[str, str]
    frames: tuple[str, str]
    file: tuple[str, str]
    cause: str
    file_cause: str
    ended_early: str
    missing_frames: int
    lead_s: float | None
    after_answer_s: float | None
    after_greeting_s: float | None


def shipped_calls(count: int, seed: int = 1) -> list[Call]:
    """Calls from what may be shipped: people of the demo's voices, machines of espeak-ng, and every kind of tone."""
    chance = np.random.default_rng(seed)
    clips = list(_people()) + list(espeak_greetings(styles=1))
    recipe = Recipe(clips, chance, training=False)
    lines = [LINES[name] for name in ("clean", "line noise", "GSM", "-40 dBFS")]
    spoken = max(2, count - count // 3)
    calls = [
        recipe.call(recipe.machine() if number % 2 else recipe.person(), lines[number // 2 % len(lines)])
        for number in range(spoken)
    ]
    tones = tone_calls(max(1, -(-(count - spoken) // 6)), seed)
    return calls + tones[: count - spoken]


def _people() -> list[Clip]:
    clips = []
    for voice in range(PERSON_VOICES):
        speaker = f"demo{voice}"
        for sound in voices.words(voice):
            clips.append(Clip("human_short", "demo", speaker, "en", sound.astype(np.float32)))
        for sound in voices.sentence(voice):
            clips.append(Clip("human_sentence", "demo", speaker, "en", sound.astype(np.float32)))
    return clips


def clip_calls(data: Path, count: int, seed: int) -> list[Call]:
    """Calls from a folder of clips, on the lines of the robustness table, with a fifth of them tones."""
    clips = read_clips(data)
    tones = tone_calls(max(1, count // 30), seed)
    spoken = test_calls(clips, background_of(clips), count - len(tones), seed)
    return [*spoken, *tones]


async def play(calls: Sequence[Call], at_once: int, settings: AmdSettings | None = None) -> tuple[list[Compared], int]:
    """Call every call live, judge it again offline, compare; and how many ticks the listening was late."""
    wanted = settings or AmdSettings()
    async with rig(calls) as parts:
        heard = await parts.hear_all(len(calls), wanted, at_once)
        late_ticks = parts.listening.late_ticks
    rows = [compare(number, call, live, wanted) for number, (call, live) in enumerate(zip(calls, heard, strict=True))]
    return rows, late_ticks


def compare(number: int, call: Call, live: LiveCall, settings: AmdSettings) -> Compared:
    """Judge one call offline, twice, beside what was said live."""
    assert live.tape is not None
    offset = place_of(call.samples, live.tape)
    lead_s = None if offset is None else offset / SAMPLE_RATE_HZ
    frames = again(live.tape, settings)
    file = hear(_as_played(call, live.tape, offset), settings)
    first_at_s = live.said[0][0] if live.said else None
    greeting_end_s = None
    if lead_s is not None and call.call_class.value == "human":
        greeting_end_s = live.listening_from_s + lead_s + call.speech_end_s
    first = live.said[0][1] if live.said else None
    return Compared(
        number, call.call_class.value, call.subset, call.line,
        _live_words(live), _words(frames), _words(file),
        "" if first is None else first.cause, "" if file.first is None else file.first.cause,
        live.ended_early, int((~live.tape.sound.present).sum()), lead_s,
        None if first_at_s is None else first_at_s - live.answered_at_s,
        None if first_at_s is None or greeting_end_s is None else first_at_s - greeting_end_s,
    )  # fmt: skip


def again(tape: Tape, settings: AmdSettings) -> Hearing:
    """Judge the very frames of a live call once more, the missing ones missing again."""
    bank, hearing = AmdBank(1), Hearing()
    bank.open(0, settings, answered=True)
    slots = np.zeros(1, dtype=np.int64)
    for frame, present in zip(tape.sound.frames, tape.sound.present, strict=True):
        for _, verdict in bank.step(slots, frame[None], np.array([present])):
            if hearing.first is None:
                hearing.first = verdict
            else:
                hearing.later.append(verdict)
    return hearing


def place_of(samples: NDArray[np.int16], tape: Tape) -> int | None:
    """Where in the live frames the file begins, in samples; None when the file is too quiet to tell."""
    heard = tape.sound.samples.astype(np.float64)
    played = samples[: len(heard)].astype(np.float64)
    loud = np.flatnonzero(np.abs(played) > 500)
    if not len(loud) or len(heard) < SAMPLE_RATE_HZ // 2:
        return None
    size = 1 << (len(heard) + len(played)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size)), size)
    return int(np.argmax(product[: len(heard) // 2]))


def _as_played(call: Call, tape: Tape, offset: int | None) -> NDArray[np.int16]:
    """The file through A-law, after the silence that the call had before it, cut to the frames' phase."""
    lead = np.zeros(offset if offset is not None else _first_frame(tape) * FRAME_SAMPLES, dtype=np.int16)
    return np.concatenate([lead, through_codec(call.samples, "ALAW")])


def _first_frame(tape: Tape) -> int:
    there = np.flatnonzero(tape.sound.present)
    return int(there[0]) if len(there) else 0


def _words(hearing: Hearing) -> tuple[str, str]:
    first, settled = hearing.first, hearing.settled
    return (
        "none" if first is None else first.call_class.value,
        "none" if settled is None else settled.call_class.value,
    )


def _live_words(live: LiveCall) -> tuple[str, str]:
    hearing = Hearing()
    for _, verdict in live.said:
        if hearing.first is None:
            hearing.first = verdict
        else:
            hearing.later.append(verdict)
    return _words(hearing)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Calls whose verdicts agree, of all, with the 95 % interval of the share."""

    same: int
    total: int
    low: float
    high: float


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Count equal pairs."""
    same = sum(one == other for one, other in pairs)
    return Agreement(same, len(pairs), *clopper_pearson(same, len(pairs)))


def figures(rows: Sequence[Compared], late_ticks: int = 0) -> dict[str, object]:
    """Everything the benchmark found, as JSON values."""
    pairs = {
        "first verdict, live and the same frames again": [(row.live[0], row.frames[0]) for row in rows],
        "first verdict, live and the file": [(row.live[0], row.file[0]) for row in rows],
        "settled verdict, live and the file": [(row.live[1], row.file[1]) for row in rows],
    }
    return {
        "model": model_sha(),
        "calls": len(rows),
        "agreement": {name: asdict(agreement(pair)) for name, pair in pairs.items()},
        "late_ticks": late_ticks,
        "missing_frames": sum(row.missing_frames for row in rows),
        "answer_to_first_sound_s": _spread([row.lead_s for row in rows]),
        "answer_to_verdict_s": _spread([row.after_answer_s for row in rows]),
        "greeting_to_verdict_s": _spread([row.after_greeting_s for row in rows if row.live[0] == "human"]),
        "disagreements": [asdict(row) for row in rows if not row.live == row.frames == row.file],
    }


def _spread(values: Sequence[float | None]) -> dict[str, float | int]:
    known = [value for value in values if value is not None]
    if not known:
        return {"count": 0}
    p50, p95 = np.percentile(known, [50, 95])
    return {"count": len(known), "p50": round(float(p50), 3), "p95": round(float(p95), 3)}


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd.live", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder of clips with manifest.csv")
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=10, help="calls at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    if options.data is None:
        calls = shipped_calls(options.calls, options.seed)
    else:
        calls = clip_calls(options.data, options.calls, options.seed)
    found = figures(*asyncio.run(play(calls, options.at_once)))
    text = json.dumps(found, indent=1)
    if options.json is not None:
        options.json.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
