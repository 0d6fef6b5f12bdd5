"""The small parts of a server: settings, masked logs, token, lock, event hub, supervisor, metrics."""

import asyncio
import io
import json
import stat
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from amd.verdict import CallClass, Verdict
from campaigns.clock import Clock
from dialer.events import Doubted, LinkChanged, Trouble
from server.event_hub import EventHub
from server.logs import configure, logger
from server.metrics import Metrics
from server.narrator import narrate
from server.run import AlreadyRunning, only_server
from server.settings import LogSettings, Settings, SettingsError, load
from server.supervisor import Supervised, keep_running
from server.token import api_token
from telephony.errors import SetupError
from telephony.events import LinkState
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual


def logged(words: str, **more: object) -> str:
    stream = io.StringIO()
    configure(LogSettings(format="json", level="info"), stream)
    logger("test").info(words, **more)
    return str(json.loads(stream.getvalue()))


_SENTENCES = [
    "{}",
    "call {} now",
    "to {}, please",
    "({})",
    "'{}'",
    "It was {}.",
    "tel:{}",
    "<sip:{}@host>",
    "is it {}?",
]


@given(st.from_regex(r"\A\+?[1-9]\d{6,14}\Z"), st.sampled_from(_SENTENCES))
def test_no_phone_number_survives_in_a_log(number: str, sentence: str) -> None:
    line = logged(sentence.format(number), endpoint=f"PJSIP/{number}@carrier")
    assert number.lstrip("+") not in line


@pytest.mark.parametrize("number", ["+34 612 345 678", "+34-612-34-56-78", "+1 (212) 555-0100", "+44 20 7946 0958"])
def test_no_number_as_people_write_it_survives_in_a_log(number: str) -> None:
    line = logged(f"calling {number} now")
    assert number[-4:] not in line
    assert "now" in line


@pytest.mark.parametrize(
    "text", ["1763797000.1234", "2026-11-22T08:30:15.1234567", "127.0.0.1:31755", "22.10.1", "5 + 300 leads"]
)
def test_what_is_no_number_stays_readable_in_a_log(text: str) -> None:
    assert text in logged(f"see {text}, please")


def test_ids_stay_readable_in_a_log() -> None:
    attempt_id = "01m80ahw24anm6hj7apqsb0r14"
    assert attempt_id in logged("a call", attempt=attempt_id)
    assert f"{attempt_id}-call" in logged("a call", channel=f"{attempt_id}-call")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[http]\nport = "many"\n', ":2: http.port: 'many': is no whole number (set it there or as TIMBRE_HTTP__PORT)"),
        ("[http]\nprot = 8080\n", ":2: http.prot: is no setting; did you mean 'port'?"),
        ('vra = "x"\n', ":1: vra: is no setting; did you mean 'var'?"),
        (
            '[[trunks]]\nname = "a"\n\n[[trunks]]\nnmae = "b"\n',
            ":5: trunks[2].nmae: is no setting; did you mean 'name'?",
        ),
        ('[[trunks]]\nhost = "a"\npassword = "hunter2"\n', ":1: trunks[1].name: is missing: write it"),
        ('[log]\nlevel = "loud"\n', "'loud'"),
        ("x = = 1\n", "not valid TOML"),
    ],
)
def test_a_wrong_setting_names_its_line_its_field_and_the_mending(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "timbre.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_variable_is_named_and_one_that_sets_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "timbre.toml"
    path.write_text("[http]\nport = 8081\n")
    monkeypatch.setenv("TIMBRE_HTTP__PORT", "many")
    monkeypatch.setenv("TIMBRE_REDDIS__PORT", "6000")
    with pytest.raises(SettingsError) as caught:
        load(path)
    unknown, wrong = str(caught.value).splitlines()
    assert unknown == "TIMBRE_REDDIS__PORT: is no setting; did you mean 'TIMBRE_REDIS'?"
    assert wrong.startswith("TIMBRE_HTTP__PORT: http.port: 'many'")


def test_settings_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "timbre.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load(path)


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "timbre.toml"
    path.write_text("[http]\nport = 8081\n")
    monkeypatch.setenv("TIMBRE_HTTP__PORT", "8082")
    assert load(path).http.port == 8082


def settings_in(folder: Path) -> Settings:
    path = folder / "timbre.toml"
    path.write_text(f'var = "{folder / "var"}"\n')
    return load(path)


def test_the_token_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    token = api_token(settings)
    assert len(token) > 30
    assert api_token(settings) == token
    assert stat.S_IMODE((settings.var_dir / "api-token").stat().st_mode) == 0o600


def test_only_one_server_works_in_a_folder(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with only_server(settings), pytest.raises(AlreadyRunning, match="stop it first"), only_server(settings):
        pass
    with only_server(settings):
        pass


def test_every_listener_hears_every_event_until_it_stops() -> None:
    hub, first, second = EventHub(), [], []  # type: EventHub, list[DialerEvent], list[DialerEvent]
    stop = hub.listen(first.append)
    hub.listen(second.append)
    hub.take(Trouble(1.0, "test", "one"))
    stop()
    hub.take(Trouble(2.0, "test", "two"))
    assert len(first) == 1
    assert len(second) == 2
    assert [trouble.words for trouble in hub.troubles()] == ["one", "two"]


def test_the_hub_keeps_only_the_latest_troubles() -> None:
    hub = EventHub()
    for index in range(1000):
        hub.take(Trouble(float(index), "test", str(index)))
    assert next(iter(hub.troubles())).words != "0"


def test_metrics_show_the_link_and_troubles() -> None:
    metrics = Metrics()
    metrics.take(LinkChanged(1.0, LinkState.UP))
    metrics.take(Trouble(1.0, "hopper", "the number +34600000000 is in here"))
    text = generate_latest(metrics.registry).decode()
    assert "timbre_exchange_link_up 1.0" in text
    assert 'timbre_troubles_total{where="hopper"} 1.0' in text
    assert "34600000000" not in text


def test_metrics_and_the_log_tell_of_an_agents_call_in_doubt() -> None:
    metrics, told = Metrics(), io.StringIO()
    doubted = Doubted(1.0, "a1", "c1", "ana", Verdict(CallClass.MACHINE, 0.85, "went on talking", 3.0, settled=True))
    metrics.take(doubted)
    assert 'timbre_amd_doubts_total{campaign="c1",verdict="machine"} 1.0' in generate_latest(metrics.registry).decode()
    narrate(structlog.wrap_logger(structlog.PrintLogger(told)))(doubted)
    assert "probably no person: machine" in told.getvalue() and "ana" in told.getvalue()


class MortalPart:
    """A part that dies when told, and refuses to start as often as told."""

    def __init__(self, refusals: int = 0) -> None:
        self.pid: int | None = 1
        self.starts: list[float] = []
        self._refusals = refusals

    async def start(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        if self._refusals:
            self._refusals -= 1
            raise SetupError("the port is taken")
        self.pid = 2


@virtual
async def test_given_a_part_that_dies_then_it_is_started_again_with_growing_pauses_and_it_is_told() -> None:
    clock: Clock = VirtualClock()
    part, told = MortalPart(refusals=4), list[str]()
    supervisor = asyncio.create_task(
        keep_running([Supervised("Redis", part, "q")], told.append, clock.monotonic_s, lambda _pid: asyncio.sleep(0.25))
    )
    await asyncio.sleep(10)
    assert part.starts == []
    part.pid = None
    await asyncio.sleep(60)
    supervisor.cancel()
    assert part.pid == 2
    pauses = [after - before for before, after in zip(part.starts, part.starts[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert told[0] == "Redis died; q. It is started again"
    assert "the port is taken" in told[1]
    assert told[-1] == "Redis runs again"
