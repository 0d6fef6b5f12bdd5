"""G.711 A-law and mu-law as table look-ups on whole arrays. Source: ITU-T G.711 (11/1988), tables 1a to 2b."""

import numpy as np
from numpy.typing import NDArray

_MU_BIAS = 0x84
_MU_CLIP = 32635


def _ulaw_decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _MU_BIAS) << (code >> 4 & 7)) - _MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _ulaw_encode_table() -> NDArray[np.uint8]:
    sample = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(sample), _MU_CLIP) + _MU_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    code = (exponent << 4) | (magnitude >> (exponent + 3) & 0x0F) | np.where(sample < 0, 0x80, 0)
    return np.asarray(~code & 0xFF, np.uint8)


def _alaw_decode_table() -> NDArray[np.int16]:
    code = np.arange(256) ^ 0x55
    exponent = code >> 4 & 7
    magnitude = ((code & 0x0F) << 4) + 8 + np.where(exponent, 0x100, 0)
    magnitude <<= np.maximum(exponent - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _alaw_encode_table() -> NDArray[np.uint8]:
    sample = np.arange(-32768, 32768)
    magnitude = np.where(sample < 0, ~sample, sample) >> 3
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    code = (exponent << 4) | (magnitude >> np.maximum(exponent, 1) & 0x0F)
    return np.asarray(code ^ np.where(sample < 0, 0x55, 0xD5), np.uint8)


_ULAW_DECODE, _ULAW_ENCODE = _ulaw_decode_table(), _ulaw_encode_table()
_ALAW_DECODE, _ALAW_ENCODE = _alaw_decode_table(), _alaw_encode_table()


def _encode(table: NDArray[np.uint8], samples: NDArray[np.int16]) -> bytes:
    return table[samples.astype(np.int64) + 32768].tobytes()


def ulaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Encode samples ((n,) int16) as mu-law: n bytes."""
    return _encode(_ULAW_ENCODE, samples)


def ulaw_decode(data: bytes) -> NDArray[np.int16]:
    """Decode mu-law: (n,) int16 of n bytes."""
    return _ULAW_DECODE[np.frombuffer(data, np.uint8)]


def alaw_encode(samples: NDArray[np.int16]) -> bytes:
    """Encode samples ((n,) int16) as A-law: n bytes."""
    return _encode(_ALAW_ENCODE, samples)


def alaw_decode(data: bytes) -> NDArray[np.int16]:
    """Decode A-law: (n,) int16 of n bytes."""
    return _ALAW_DECODE[np.frombuffer(data, np.uint8)]
