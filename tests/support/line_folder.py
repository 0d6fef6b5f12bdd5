"""A folder with the flows and the music of a node that people call, and the settings that name it."""

from collections.abc import Mapping
from pathlib import Path

from media import soundfiles
from tests.support.inbound_caller import tone

MUSIC_HZ = 1500.0
CARRIER = """
[[trunks]]
name = "carrier"
host = "127.0.0.1"
port = 9
match = ["127.0.0.1"]
qualify_s = 0
"""
"""Whoever calls from loopback comes in over this trunk; nothing goes out over it."""


def furnish_line(folder: Path, flows: Mapping[str, str], *, ivr: str = "", media: str = "") -> str:
    """Write flows (name -> text) and music; the settings. ivr, media: more lines of these tables. Blocking."""
    soundfiles.save(folder / "music" / "tone.wav", tone(MUSIC_HZ, 3.0))
    (folder / "flows").mkdir()
    for name, text in flows.items():
        (folder / "flows" / f"{name}.yaml").write_text(text)
    for path in (folder, folder / "music"):
        path.chmod(0o755)  # Asterisk's user reads the music
    return f'[ivr]\nflows = "{folder}/flows"\n{ivr}[media]\nmusic = "{folder}/music"\n{media}{CARRIER}'
