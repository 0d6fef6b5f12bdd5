"""The folder where installed parts are kept, outside of every checkout."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/timbre`, or `~/.cache/timbre`. It may not exist yet."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
    return base / "timbre"
