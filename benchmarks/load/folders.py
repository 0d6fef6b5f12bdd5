"""Folders of a run, and the ends of its logs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TAIL = 4000


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A folder that Asterisk's own user may enter, removed at the end."""
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-_TAIL:]
