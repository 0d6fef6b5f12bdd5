"""The demo empties its folder: only its own, only when no other demo works in it, and ends what a killed one left."""

from pathlib import Path

import pytest

from server.demo.folder import FolderRefused, default_folder, fresh
from telephony.asterisk.orphan import start_orphan
from telephony.asterisk.pidfile import PidFile, start_time


def nobody(words: str) -> None:
    raise AssertionError(words)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_given_a_folder_with_somebodys_files_then_it_is_refused_and_nothing_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years")
    with pytest.raises(FolderRefused, match="no demo wrote"):
        async with fresh(tmp_path, nobody):
            pass
    assert names(tmp_path) == ["thesis.txt"]


async def test_given_a_folder_of_an_earlier_demo_then_it_is_emptied_and_what_links_lead_to_stays(
    tmp_path: Path,
) -> None:
    folder, elsewhere = tmp_path / "demo", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    async with fresh(folder, nobody):
        (folder / "recordings").mkdir()
        (folder / "recordings" / "old.wav").touch()
        (folder / "link").symlink_to(elsewhere)
    async with fresh(folder, nobody):
        assert names(folder) == [".timbre-demo"]
    assert (elsewhere / "kept").exists()


async def test_given_a_demo_that_runs_then_another_is_refused_in_its_folder(tmp_path: Path) -> None:
    async with fresh(tmp_path, nobody):
        with pytest.raises(FolderRefused, match="another demo"):
            async with fresh(tmp_path, nobody):
                pass
    async with fresh(tmp_path, nobody):
        pass


async def test_given_a_demo_that_was_killed_then_what_it_left_running_is_ended(tmp_path: Path) -> None:
    said: list[str] = []
    async with fresh(tmp_path, nobody):
        (tmp_path / "network").mkdir()
        pid = await start_orphan("exec sleep 600", tmp_path / "console.log")
        PidFile(tmp_path / "network" / "instance.pid").write(pid)
    async with fresh(tmp_path, said.append):
        assert start_time(pid) is None
    assert "network" in said[0]


def test_given_the_folder_of_a_checkout_then_it_is_the_demos_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var" / "demo" / "recordings").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert default_folder() == tmp_path / "var" / "demo"
    assert (tmp_path / "var" / "demo" / ".timbre-demo").exists()
