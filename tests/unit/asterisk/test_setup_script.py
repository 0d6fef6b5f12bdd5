"""tools/setup.sh as far as it can be tried without installing anything."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the files that setup looks at, on whose stand-in for Python every call is written down."""
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.sh", "telephony/asterisk/install.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    venv_python = 'mkdir -p "$3/bin"; cp "$0" "$3/bin/python"'
    lines = [
        "#!/bin/sh",
        f'echo "$*" >>{tmp_path}/calls',
        f'case "$*" in *sys.executable*) echo {python};; *--version) echo Python 3.11.2;;',
        f'"-m venv "*) {venv_python};; esac',
    ]
    python.write_text("\n".join(lines))
    python.chmod(0o755)
    return tmp_path


def _setup(checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TIMBRE_PYTHON": str(checkout / "python")}
    command = ["bash", "tools/setup.sh"]
    return subprocess.run(
        command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _calls(checkout: Path) -> str:
    return (checkout / "calls").read_text()


def test_given_a_fresh_checkout_when_set_up_then_packages_and_asterisk_are_installed_and_the_command_is_named(
    checkout: Path,
) -> None:
    done = _setup(checkout)

    assert done.returncode == 0, done.stderr
    assert "-c constraints.txt -e .[softphone,postgres,train,dev]" in _calls(checkout)
    assert "-m telephony.asterisk.install\n" in _calls(checkout)
    assert done.stdout.splitlines()[-1] == "setup: ready: .venv/bin/timbre"


def test_given_nothing_changed_when_set_up_again_then_it_is_silent_and_takes_less_than_a_second(checkout: Path) -> None:
    _setup(checkout)
    (checkout / "calls").unlink()
    begin = time.monotonic()

    done = _setup(checkout)

    assert time.monotonic() - begin < 1.0
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _calls(checkout) == "-m telephony.asterisk.install --check\n"


def test_given_a_changed_constraint_when_set_up_again_then_packages_are_installed_anew(checkout: Path) -> None:
    _setup(checkout)
    (checkout / "calls").unlink()
    with (checkout / "constraints.txt").open("a") as file:
        file.write("# another\n")

    _setup(checkout)

    assert "-m pip install" in _calls(checkout)


def test_given_no_python_when_set_up_then_the_message_says_what_to_do(checkout: Path) -> None:
    programs = checkout / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "cut", "sha256sum", "dirname", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))

    done = subprocess.run(
        ["bash", "tools/setup.sh"],
        cwd=checkout,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "no Python 3.11" in done.stderr


def test_given_ctrl_c_while_packages_are_installed_then_it_says_how_to_go_on_and_the_next_run_does(
    checkout: Path,
) -> None:
    python = checkout / "python"
    calm = python.read_text()
    python.write_text(calm.replace("#!/bin/sh", '#!/bin/sh\ncase "$*" in *"-m pip "*) echo noise; kill -INT 0;; esac'))
    done = subprocess.run(
        # Tests that run in the background inherit that Ctrl-C is ignored, and a shell cannot undo that by itself.
        ["env", "--default-signal=INT", "bash", "tools/setup.sh"],
        cwd=checkout, env=os.environ | {"TIMBRE_PYTHON": str(python)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 130, done.stdout + done.stderr
    assert done.stderr.split() == "setup: stopped; run it again and it goes on with what is missing".split()
    for stub in (python, checkout / ".venv" / "bin" / "python"):
        stub.write_text(calm)
    assert _setup(checkout).stdout.splitlines()[-1] == "setup: ready: .venv/bin/timbre"
