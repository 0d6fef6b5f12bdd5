"""The inner loops are compiled before a node takes calls: told, once, and in a way that can be stopped."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from server import compiled as module
from server.compiled import compiled


def _compilers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "server.compiled" in " ".join(each.cmdline())]


async def test_given_new_sources_when_stopped_while_they_compile_then_no_compiler_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    starting = asyncio.create_task(compiled(said.append))
    async with asyncio.timeout(60):
        while not _compilers():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not _compilers()
    assert "minutes" in said[0]
    assert not (tmp_path / "timbre" / "compiled").exists(), "what was not finished is not taken for compiled"


async def test_given_sources_that_were_compiled_then_nothing_is_said_and_no_process_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "compile_all", lambda: None)
    module._done()
    said: list[str] = []
    await compiled(said.append)
    assert (said, _compilers()) == ([], [])


def test_given_machine_code_that_nobody_ran_for_a_month_when_a_node_has_compiled_then_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, old, recent, other = (tmp_path / name for name in ("pacing-now", "pacing-old", "pacing-recent", "recordings"))
    for folder in (ours, old, recent, other):
        folder.mkdir()
        (folder / "code.nbc").touch()
    for folder, days in ((ours, 40), (old, 40), (recent, 20), (other, 40)):
        seen_s = folder.stat().st_mtime - days * 86_400
        os.utime(folder, (seen_s, seen_s))
    monkeypatch.setattr(module, "folder", lambda: str(ours))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    module._done()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "timbre") == [
        "pacing-now",
        "pacing-recent",
        "recordings",
    ]
