"""G.711 against libsndfile, an independent implementation, over every code and every sample."""

import io

import numpy as np
import pytest
import soundfile

from media import g711

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def reference_decode(data: bytes, subtype: str) -> np.ndarray:
    audio, _ = soundfile.read(
        io.BytesIO(data), dtype="int16", format="RAW", subtype=subtype, samplerate=8000, channels=1
    )
    return audio


@pytest.mark.parametrize(("decode", "subtype"), [(g711.ulaw_decode, "ULAW"), (g711.alaw_decode, "ALAW")])
def test_given_every_code_then_decoding_equals_libsndfile(decode, subtype) -> None:
    assert np.array_equal(decode(EVERY_CODE), reference_decode(EVERY_CODE, subtype))


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.ulaw_encode, g711.ulaw_decode), (g711.alaw_encode, g711.alaw_decode)]
)
def test_given_every_sample_then_the_nearest_codes_are_used(encode, decode) -> None:
    levels = np.unique(decode(EVERY_CODE).astype(np.int64))
    heard = decode(encode(EVERY_SAMPLE)).astype(np.int64)
    nearest = np.min(np.abs(EVERY_SAMPLE[:, None].astype(np.int64) - levels[None, :]), axis=1)
    error = np.abs(heard - EVERY_SAMPLE)
    # where one segment ends, the standard's decision value is not the middle between the two codes
    assert np.all(error <= nearest + 8 + np.abs(EVERY_SAMPLE.astype(np.int64)) / 64)


@pytest.mark.parametrize(
    ("encode", "decode"), [(g711.ulaw_encode, g711.ulaw_decode), (g711.alaw_encode, g711.alaw_decode)]
)
def test_given_every_code_then_decode_and_encode_round_trip(encode, decode) -> None:
    levels = decode(EVERY_CODE)
    assert np.array_equal(decode(encode(levels)), levels)


def test_given_the_values_of_the_standard_then_codes_are_known() -> None:
    assert g711.ulaw_encode(np.array([0, 32767, -32768, 8031 * 4], np.int16)) == b"\xff\x80\x00\x80"
    assert g711.alaw_encode(np.array([0, -1, 32767, -32768], np.int16)) == b"\xd5\x55\xaa\x2a"
