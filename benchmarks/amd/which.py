"""Which model a figure is of."""

import hashlib
from pathlib import Path

from amd.model import DEFAULT_MODEL


def model_sha(path: Path = DEFAULT_MODEL) -> str:
    """The first 12 digits of a model file's SHA-256, the shipped one by default: figures are written with it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
