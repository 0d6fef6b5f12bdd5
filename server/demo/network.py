"""The simulated telephone network: a second Asterisk that answers by number (docs/network.md).

settings = network_settings(directory, sip_port=..., http_port=..., ami_port=..., rtp_ports=...)
network = prepare_network(settings, installation)
await AsteriskInstance(network.settings, installation).start()
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jinja2

from server.demo.behaviours import FAR_ENDS, Behaviour
from server.demo.numbering import RING_S, STAY_S
from server.demo.prompts import Prompt, build_prompts
from telephony.asterisk.installation import Installation
from telephony.asterisk.settings import AsteriskSettings

_TEMPLATE = Path(__file__).with_name("network.conf.j2")
_MODULES = ("func_env", "func_strings", "func_logic", "func_timeout", "app_mixmonitor")

# Loopback is the only way in: nobody outside of this machine is this network's caller. Without a bound media address
# Asterisk looks up its own host's name for the RTCP reports of every call, and a machine without a name server waits.
_CALLERS = """
[callers]
type=endpoint
context=network
disallow=all
allow=alaw,ulaw
direct_media=no
media_address={host}
bind_rtp_to_media_address=yes
allow_transfer=no

[callers]
type=identify
endpoint=callers
match=127.0.0.0/8
"""

# How a call ends that is never answered: after ringing, or after early media.
_REFUSALS = {
    Behaviour.BUSY: "Hangup(17)",
    Behaviour.CONGESTION: "Hangup(34)",
    Behaviour.UNALLOCATED: "Hangup(1)",
    Behaviour.SIT_EARLY: "Hangup(1)",
    Behaviour.ANNOUNCEMENT_EARLY: "Hangup(1)",
    Behaviour.UNAVAILABLE_EARLY: "Hangup(31)",
    Behaviour.NO_ANSWER: "Hangup(19)",
    Behaviour.REJECTED: "PJSIPHangup(603)",
    Behaviour.CANCELLED: "PJSIPHangup(487)",
    Behaviour.SWITCHED_OFF: "Hangup(20)",
    Behaviour.FORBIDDEN: "Hangup(21)",
}
_STAY_OVERRIDES = {Behaviour.PERSON_HANGS_UP_AT_ONCE: 0.3}


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is ready to start. prompts: code -> what its far end plays; truth_file: one JSON line per call."""

    settings: AsteriskSettings
    prompts: dict[int, Prompt]

    @property
    def truth_file(self) -> Path:
        """Where the dialplan writes what really happened; absent until the first call ended."""
        return self.settings.spool_dir / "truth.jsonl"


def prepare_network(settings: AsteriskSettings, installation: Installation) -> Network:
    """Build the prompts and the dialplan for an instance of these ports and this folder. Blocking, about a second."""
    prompts = build_prompts(settings.directory / "prompts", installation.sounds_dir)
    bare = Network(settings, prompts)
    return dataclasses.replace(
        bare,
        settings=dataclasses.replace(
            settings,
            extra_pjsip=_CALLERS.format(host=settings.sip_host),
            extra_dialplan=_dialplan(bare),
            extra_modules=_MODULES,
        ),
    )


def _dialplan(network: Network) -> str:
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(
        _TEMPLATE.read_text(encoding="utf-8")
    )
    return template.render(
        ring_s=RING_S,
        stay_s=STAY_S,
        far_ends=list(FAR_ENDS.values()),
        prompts=network.prompts,
        refusals=_REFUSALS,
        stay_overrides=_STAY_OVERRIDES,
        recordings_dir=network.settings.recordings_dir,
        truth_file=network.truth_file,
    )
