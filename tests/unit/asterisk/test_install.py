"""The installer against a stand-in for mmdebstrap: what it asks for, and what it says when that fails."""

import os
import subprocess
from pathlib import Path

import pytest

from telephony.asterisk import install
from telephony.errors import SetupError

_EXPIRED = "E: Release file for forky/InRelease is expired (invalid since 15d). Updates will not be applied."


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a fake mmdebstrap first in PATH; returns the folder of its calls. Scripted by the file "behaviour"."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "behaviour").write_text("exit 1")
    script = f'#!/bin/bash\nprintf "%s\\n" "$*" >>{tmp_path}/calls\n. {tmp_path}/behaviour\n'
    (programs / "mmdebstrap").write_text(script)
    (programs / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(install, "system_installation", lambda: None)
    return tmp_path


def _archive_of_a_fake_asterisk(folder: Path) -> Path:
    root = folder / "fake"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    (libraries / "asterisk/modules").mkdir(parents=True)
    (root / "usr/sbin").mkdir(parents=True)
    (root / "usr/share/asterisk/sounds/en_US_f_Allison").mkdir(parents=True)
    (root / "usr/share/man").mkdir(parents=True)
    (libraries / "ld-linux-x86-64.so.2").write_text("#!/bin/sh\necho 'Asterisk 22.10.1'\n")
    (libraries / "ld-linux-x86-64.so.2").chmod(0o755)
    subprocess.run(["tar", "-C", str(root), "-cf", str(folder / "fake.tar"), "."], check=True)
    return folder / "fake.tar"


def test_given_an_expired_release_file_when_installing_then_it_warns_and_goes_on_without_that_check_only(
    stand_in: Path, lines: list[str]
) -> None:
    archive = _archive_of_a_fake_asterisk(stand_in)
    behaviour = (
        f'case "$*" in *Check-Valid-Until*) cp {archive} "${{@: -1}}";; *) echo "{_EXPIRED}" >&2; exit 25;; esac'
    )
    (stand_in / "behaviour").write_text(behaviour)

    found = install.install(lines.append)

    first, second = (stand_in / "calls").read_text().splitlines()
    assert "Check-Valid-Until" not in first
    assert "Check-Valid-Until" in second
    assert [line for line in lines if line.startswith("warning: ")] != []
    assert found.version == (22, 10, 1)
    assert (found.sounds_dir / "en").is_dir()
    assert found.root == install.private_root()
    assert not (found.root / "usr/share/man").exists()
    assert install.require() == found


def test_given_a_mirror_that_refuses_when_installing_then_its_words_are_shown_and_nothing_is_left(
    stand_in: Path, lines: list[str]
) -> None:
    (stand_in / "behaviour").write_text('echo "E: Unable to locate package asterisk" >&2; exit 25')

    with pytest.raises(SetupError, match="Unable to locate package asterisk"):
        install.install(lines.append)

    assert len((stand_in / "calls").read_text().splitlines()) == 1
    assert [path.suffix for path in install.private_root().parent.iterdir()] == [".lock"]


def test_given_a_run_that_was_killed_when_installing_again_then_its_leftovers_go(
    stand_in: Path, lines: list[str]
) -> None:
    leftover = install.private_root().parent / f"{install.private_root().name}.tmp-dead"
    (leftover / "root").mkdir(parents=True)
    archive = _archive_of_a_fake_asterisk(stand_in)
    (stand_in / "behaviour").write_text(f'cp {archive} "${{@: -1}}"')

    install.install(lines.append)

    assert not leftover.exists()
    assert install.private_root().is_dir()


def test_given_no_mmdebstrap_when_installing_then_the_message_says_how_to_get_it(
    stand_in: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(stand_in / "nothing"))

    with pytest.raises(SetupError, match="apt-get install mmdebstrap"):
        install.install(lines.append)


def test_given_no_asterisk_when_required_then_the_message_says_what_to_run(stand_in: Path) -> None:
    with pytest.raises(SetupError, match="timbre asterisk install"):
        install.require()


def test_given_ctrl_c_in_the_download_then_there_is_no_traceback_and_nothing_half_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(install, "find", lambda: None)
    monkeypatch.setattr(install, "_download", interrupted)
    assert install.main([]) == 130
    assert capsys.readouterr().err == ""
    assert [path.suffix for path in (tmp_path / "timbre").iterdir()] == [".lock"]
