"""`timbre ivr say`: hear how a value or a text is spoken, and see from what."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from media import soundfiles
from media.levels import active_dbfs
from media.prompts import PromptLibrary, PromptMissing
from media.soundfiles import SoundFileUnusable
from media.speech.cache import SpeechCache
from media.speech.joining import Samples, longest_silence_s
from media.speech.speaker import Saying, Speaker
from media.speech.tongue import NotSpeakable, Tongue, text_of
from media.speech.tts import SpeechFailed, load_engine
from media.speech.values import Kind, Manner, words
from server.clock import SystemClock
from server.commands.console import console, fail
from telephony.asterisk.install import find

app = typer.Typer(help="Speech: how values and texts sound.", no_args_is_help=True)
_TROUBLES = (NotSpeakable, SpeechFailed, PromptMissing, SoundFileUnusable, ValueError, OSError)


@app.callback()
def _group() -> None:
    """Keep the sub-command named."""


@app.command()
def say(
    value: Annotated[str, typer.Argument(help="A value, or a text when no kind is given.")],
    kind: Annotated[Kind | None, typer.Option(help="How it is said.")] = None,
    language: Annotated[str, typer.Option(help="es, en, with or without country: es-ES, en-GB.")] = "es",
    currency: Annotated[str, typer.Option(help="Of an amount (ISO 4217).")] = "USD",
    clock: Annotated[int, typer.Option(help="12 or 24 hours.")] = 12,
    today: Annotated[str, typer.Option(help="Say dates near this one as today, tomorrow (2026-11-22).")] = "",
    engine: Annotated[str, typer.Option(help="Text-to-speech engine.")] = "espeak-ng",
    prompts: Annotated[Path | None, typer.Option(help="Folder of recorded prompts.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the sound here (.wav or .flac).")] = None,
) -> None:
    """Say a value or a text: prints the words, and writes the sound."""
    try:
        tongue = Tongue.of(language)
        manner = Manner(currency, date.fromisoformat(today) if today else None, clock)
        saying = Saying(text=value) if kind is None else Saying(words=words(kind, value, tongue, manner))
        recorded, samples = _spoken(saying, language, engine, prompts)
        if out is not None:
            soundfiles.save(out, samples)
    except _TROUBLES as error:
        fail(error)
    console.print(saying.text or text_of(saying.words), highlight=False)
    how = "recorded" if recorded else f"synthesised by {engine}"
    figures = f"{len(samples) / 8000:.2f} s, {active_dbfs(samples):.1f} dBFS"
    console.print(f"{how}, {figures}, longest silence {longest_silence_s(samples):.2f} s", highlight=False)


def _spoken(saying: Saying, language: str, engine: str, prompts: Path | None) -> tuple[bool, Samples]:
    installation = find()
    with tempfile.TemporaryDirectory() as folder:
        library = PromptLibrary([prompts] if prompts else [], Path(folder) / "prompts")
        cache = SpeechCache(Path(folder) / "speech", SystemClock())
        sounds = installation.sounds_dir if installation is not None else None
        speaker = Speaker(library, load_engine(engine), cache, sounds)
        return speaker.is_recorded([saying], language), speaker.samples([saying], language)
