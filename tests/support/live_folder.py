"""A node's folder for tests: settings, ports, phones of its agents, and the text of a campaign."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from media import soundfiles
from media.softphone.messages import RobotSpec
from server.demo.network import Network
from server.demo.truth import TruthIndex, read_truth
from server.demo.voices import agent_voice_files
from server.managed_asterisk import agent_secret, asterisk_settings
from server.settings import Settings, load
from telephony.asterisk import ports

_RTP_PORTS = 400
LINE_NOISE_PEAK = 48
"""Between the idle noise of A-law (8) and the noise of a person's line in the network (peaks of 80)."""

_TOML = """
node = "live"
var = "{var}"
campaigns = "{var}/campaigns.d"

[http]
port = {http}

[redis]
port = {redis}

[asterisk]
http_port = {ari}
ami_port = {ami}
sip_port = {sip}
rtp_first = {rtp_first}
rtp_last = {rtp_last}

[[trunks]]
name = "network"
host = "127.0.0.1"
port = {network}
channels = 200
calls_per_s = 20
qualify_s = 0
"""

_CAMPAIGN = """
campaign_id = "{campaign_id}"
name = "{campaign_id}"
seller = "Luz del Norte (empresa ficticia)"
caller_id = "+34788000000"
lists = ["{campaign_id}"]
trunks = ["network"]
mode = "{mode}"
purpose = "research"
country = "ES"
language = "es"
ring_timeout_s = 15
recording = true

[hours]
windows = ["mon-sun 00:00-24:00"]
on_holidays = true

[pacing]
ratio = 10

[safe_harbour]
prompt = "safe_harbour"            # the built-in recording: a sound that tests can look for

[limits]
calls_per_s = {calls_per_s}
channels = 150

[wrap_up]
max_s = {wrap_up_s}
default_disposition = "no_disposition"

[amd]
on_machine = "{on_machine}"
message = "voicemail_message"
enabled = {amd}
cost_ratio = {cost_ratio}
"""


def campaign_text(
    campaign_id: str,
    *,
    mode: str = "ratio",
    on_machine: str = "hang_up",
    amd: bool = True,
    calls_per_s: float = 20.0,
    wrap_up_s: float = 0.0,
    cost_ratio: float = 20.0,
) -> str:
    """A campaign file over the simulated network; its one list has the campaign's name."""
    return _CAMPAIGN.format(
        campaign_id=campaign_id,
        mode=mode,
        on_machine=on_machine,
        amd=str(amd).lower(),
        calls_per_s=calls_per_s,
        wrap_up_s=wrap_up_s,
        cost_ratio=cost_ratio,
    )


@dataclass
class LiveFolder:
    """A node's folder: settings on free ports, the robots' voices and what they recorded."""

    path: Path
    config: Path
    settings: Settings
    network: Network
    agents: tuple[str, ...]

    def specs(self, shift: str = "") -> list[RobotSpec]:
        """One robot per agent: registers at the node's Asterisk, speaks without end, records what it hears.

        shift: a name for robots that take over from others: they speak with another voice, into other files.
        """
        asterisk = asterisk_settings(self.settings)
        secrets = {part.name: agent_secret(part, asterisk) for part in self.settings.agents}
        return [
            RobotSpec(
                name=name,
                registrar=f"127.0.0.1:{self.settings.asterisk.sip_port}",
                secret=secrets[name],
                voice_file=str(self.voice_of(name) if not shift else self.voice_file(shift)),
                record_file=str(self.path / f"{name}{shift}-heard.wav"),
                sound_peak=LINE_NOISE_PEAK,
            )
            for name in self.agents
        ]

    def voice_of(self, agent_id: str) -> Path:
        """What an agent says, as 8 kHz WAV. Blocking."""
        return self._wav_of(self.agents.index(agent_id))

    def voice_file(self, shift: str) -> Path:
        """What the agents of another shift say. Blocking."""
        return self._wav_of(-1 - len(shift) % 3)

    def _wav_of(self, index: int) -> Path:
        files = agent_voice_files()
        voice = files[index % len(files)]
        path = self.path / f"{voice.stem}.wav"
        if not path.exists():
            soundfiles.save(path, soundfiles.load(voice))
        return path

    def truth(self) -> TruthIndex:
        """What the network knows of every call that ended."""
        return TruthIndex(read_truth(self.network.truth_file, self.network.prompts))


@contextmanager
def live_folder(network: Network, agents: int, extra_toml: str = "") -> Iterator[LiveFolder]:
    """A folder for one node with so many agents, removed at the end. extra_toml: more settings."""
    path = Path(tempfile.mkdtemp(prefix="timbre-live-"))
    path.chmod(0o755)  # Asterisk's user passes through it
    names = tuple(f"agent{index:02}" for index in range(agents))
    rtp = ports.free_rtp_range(random.Random(), _RTP_PORTS)
    text = _TOML.format(
        var=path / "var",
        http=ports.free_tcp_port(),
        redis=ports.free_tcp_port(),
        ari=ports.free_tcp_port(),
        ami=ports.free_tcp_port(),
        sip=ports.free_udp_port(),
        rtp_first=rtp.first,
        rtp_last=rtp.last,
        network=network.settings.sip_port,
    )
    config = path / "timbre.toml"
    config.write_text(text + extra_toml + "".join(f'\n[[agents]]\nname = "{name}"\n' for name in names))
    try:
        yield LiveFolder(path, config, load(config), network, names)
    finally:
        shutil.rmtree(path, ignore_errors=True)
