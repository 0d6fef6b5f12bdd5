"""The inner loops are compiled before a node takes calls: told, once, and in a way that can be stopped."""

import asyncio
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
