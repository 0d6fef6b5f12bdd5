"""Sound files, prompts, tones and levels."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from media import levels, soundfiles, tones
from media.builtin_prompts import FOLDER
from media.prompts import PromptLibrary, PromptMissing
from media.soundfiles import SoundFileUnusable

TONE = tones.tone((700,), 1.0, -12.0)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("channels", [1, 2])
def test_given_any_wav_then_it_is_8_khz_mono(tmp_path: Path, rate_hz: int, subtype: str, channels: int) -> None:
    time_s = np.arange(rate_hz) / rate_hz
    wave = 0.3 * np.sin(2 * np.pi * 700 * time_s)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate_hz, subtype=subtype)
    samples = soundfiles.load(path)
    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(8000, abs=2)
    assert levels.strongest_hz(samples) == pytest.approx(700, abs=1)
    assert levels.dbfs(samples) == pytest.approx(-13.5, abs=0.3)


def test_given_a_cut_off_wav_then_what_is_there_is_used(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    soundfiles.save(path, TONE)
    path.write_bytes(path.read_bytes()[:8044])
    assert len(soundfiles.load(path)) == 4000


def test_given_a_cut_off_flac_then_what_comes_before_is_used_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    soundfiles.save(path, np.concatenate([TONE] * 6))
    assert soundfiles.oddities(path) == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 16_000 < len(soundfiles.load(path)) < 28_000
    assert [words[:7] for words in soundfiles.oddities(path)] == ["cut off"]


def test_given_a_wav_whose_length_was_never_written_then_its_sound_is_used_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "open.wav"
    soundfiles.save(path, TONE)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(4) + whole[8:40] + bytes(4) + whole[44:])
    assert np.array_equal(soundfiles.load(path), TONE)
    assert [words[:14] for words in soundfiles.oddities(path)] == ["never finished"]


@pytest.mark.parametrize(
    ("suffix", "coding", "rate_hz"),
    [
        (".sln", "PCM_16", 8000),
        (".sln16", "PCM_16", 16000),
        (".ulaw", "ULAW", 8000),
        (".pcm", "ULAW", 8000),
        (".alaw", "ALAW", 8000),
        (".gsm", "GSM610", 8000),
    ],
)
def test_given_a_recording_of_asterisk_without_a_header_then_its_suffix_tells_what_it_is(
    tmp_path: Path, suffix: str, coding: str, rate_hz: int
) -> None:
    path = tmp_path / f"x{suffix}"
    wave = 0.3 * np.sin(2 * np.pi * 700 * np.arange(rate_hz) / rate_hz)
    soundfile.write(path, wave, rate_hz, subtype=coding, format="RAW")
    samples = soundfiles.load(path)
    assert len(samples) == pytest.approx(8000, abs=160)
    assert levels.strongest_hz(samples) == pytest.approx(700, abs=1)
    assert levels.dbfs(samples) == pytest.approx(-13.5, abs=0.5)


def test_given_samples_that_are_no_numbers_then_they_are_silence_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.full(800, np.nan), 8000, subtype="FLOAT")
    assert not soundfiles.load(path).any()
    assert "no numbers" in soundfiles.oddities(path)[0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is empty"), (b"hello, this is text", "is not a sound file"), (None, "no such sound file")],
    ids=["empty", "text", "missing"],
)
def test_given_no_sound_then_one_clear_error(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SoundFileUnusable, match=f"bad.wav: {complaint}"):
        soundfiles.load(path)


def test_given_a_wav_without_samples_or_too_long_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfiles.save(path, tones.silence(0))
    with pytest.raises(SoundFileUnusable, match="holds no audio"):
        soundfiles.load(path)
    soundfiles.save(path, TONE)
    with pytest.raises(SoundFileUnusable, match=r"longer than 0.5 s"):
        soundfiles.load(path, max_duration_s=0.5)


@given(head=st.binary(max_size=60), cut=st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_given_a_damaged_header_then_a_result_or_the_one_error(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    soundfiles.save(path, TONE[:400])
    whole = path.read_bytes()
    path.write_bytes(whole[: 20 + cut % 30] + head + whole[40 : 44 + 2 * cut])
    try:
        assert soundfiles.load(path).dtype == np.int16
        assert isinstance(soundfiles.oddities(path), list)
    except SoundFileUnusable as error:
        assert "damaged.wav" in str(error)


def test_given_a_failure_while_saving_then_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "kept.wav"
    soundfiles.save(path, TONE)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), soundfiles.replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.wav"]


# --- prompts


@pytest.fixture
def library(tmp_path: Path) -> PromptLibrary:
    return PromptLibrary([tmp_path / "own"], tmp_path / "cache", seen_as=Path("/prompts"))


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("name", ["safe_harbour", "please_hold", "goodbye", "voicemail_message"])
def test_given_a_built_in_prompt_then_it_plays_at_a_normal_level(
    library: PromptLibrary, tmp_path: Path, name: str, language: str
) -> None:
    uri = library.uri(name, language)
    cached = tmp_path / "cache" / f"{uri.removeprefix('sound:/prompts/')}.wav"
    info = soundfile.info(cached)
    assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
    assert levels.active_dbfs(soundfiles.load(cached)) == pytest.approx(-20, abs=1)


def test_given_the_built_in_prompts_then_they_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*/*.flac")) < 300_000


def test_given_an_own_prompt_then_it_wins_and_an_edit_is_heard(library: PromptLibrary, tmp_path: Path) -> None:
    own = tmp_path / "own" / "es" / "goodbye.wav"
    builtin = library.uri("goodbye", "es")
    soundfiles.save(own, TONE)
    first = library.uri("goodbye", "es")
    assert first != builtin
    assert library.uri("goodbye", "es") == first
    soundfiles.save(own, TONE[:4000])
    assert library.uri("goodbye", "es") != first
    assert library.duration_s(own) == 0.5


@pytest.mark.parametrize("name", ["nothing", "../etc/passwd", ""])
def test_given_no_such_prompt_then_the_error_names_it_and_the_folders(
    library: PromptLibrary, tmp_path: Path, name: str
) -> None:
    with pytest.raises(PromptMissing) as caught:
        library.uri(name, "es")
    if name == "nothing":
        assert "nothing.wav" in str(caught.value)
        assert str(tmp_path / "own" / "es") in str(caught.value)


def test_given_a_campaign_file_that_is_missing_then_file_and_folder_are_named(
    library: PromptLibrary, tmp_path: Path
) -> None:
    with pytest.raises(PromptMissing, match=rf"mine.wav is not in folder {tmp_path}"):
        library.uri_of_file(tmp_path / "mine.wav")


# --- tones and levels


@pytest.mark.parametrize("level_dbfs", [-10.0, -18.0, -30.0])
@pytest.mark.parametrize("frequencies_hz", [(425,), (440, 480)])
def test_given_a_tone_then_level_and_frequency_are_right(frequencies_hz: tuple[float, ...], level_dbfs: float) -> None:
    samples = tones.tone(frequencies_hz, 2.0, level_dbfs)
    assert levels.dbfs(samples) == pytest.approx(level_dbfs, abs=0.1)
    assert min(abs(levels.strongest_hz(samples) - hz) for hz in frequencies_hz) < 1
    assert abs(int(samples[0])) < 20, "it starts softly"


@pytest.mark.parametrize("kind", tones.Sit)
def test_given_a_sit_then_each_segment_has_its_frequency(kind: tones.Sit) -> None:
    samples, start = tones.sit(kind), 0
    for beat in tones.SIT_SEGMENTS[kind]:
        size = round(beat.duration_s * 8000)
        assert levels.strongest_hz(samples[start : start + size]) == pytest.approx(beat.frequencies_hz[0], abs=2)
        start += size
    assert start == len(samples)


@pytest.mark.parametrize("country", tones.COUNTRIES)
def test_given_a_country_then_its_busy_tone_has_its_cadence(country: str) -> None:
    beats = tones.COUNTRIES[country].busy
    samples = tones.cadence(beats, 3.0)
    assert len(samples) == 24000
    loud = levels.frame_dbfs(samples) > -50
    on = sum(beat.duration_s for beat in beats if beat.frequencies_hz)
    assert loud.mean() == pytest.approx(on / sum(beat.duration_s for beat in beats), abs=0.06)


def test_given_fax_and_modem_tones_then_they_are_where_the_standards_put_them() -> None:
    assert levels.strongest_hz(tones.fax_answering()) == pytest.approx(2100, abs=1)
    assert levels.strongest_hz(tones.fax_calling()[:4000]) == pytest.approx(1100, abs=1)
    modem = tones.modem_answering()
    assert levels.strongest_hz(modem[: int(0.45 * 8000)]) == pytest.approx(2100, abs=2)
    assert np.corrcoef(modem[:3600], modem[3600:7200])[0, 1] < -0.9, "its phase turns"
    assert levels.dbfs(modem) == pytest.approx(-18, abs=0.2)


def test_given_a_piece_in_noise_then_it_is_found_where_it_is_and_nothing_else_is() -> None:
    rng = np.random.default_rng(5)
    voice = soundfiles.load(FOLDER / "es" / "goodbye.flac")
    other = soundfiles.load(FOLDER / "en" / "please_hold.flac")
    noise = rng.normal(0, 200, 40000).astype(np.int16)
    recording = noise.copy()
    recording[12345 : 12345 + len(voice)] += voice // 2
    match = levels.find(voice, recording)
    assert match.offset_s == pytest.approx(12345 / 8000)
    assert match.similarity > 0.9
    assert levels.find(other[: len(voice)], recording).similarity < 0.3
    assert levels.find(voice, recording[:10]).similarity == 0
    assert levels.first_sound_s(np.concatenate([tones.silence(0.5), TONE])) == 0.5
    assert levels.first_sound_s(tones.silence(1)) is None
    assert levels.dbfs(tones.silence(0)) == -100
