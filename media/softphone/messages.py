"""What a fleet and its workers say to each other: one JSON object per line, commands on stdin, events on stdout.

Commands: add, play, call, hang_up, report, quit. Monotonic times are CLOCK_MONOTONIC, the same in every process.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

ROBOTS_PER_WORKER = 4
"""The most calls that one pjsua2 process of the published wheel can hold; a fifth gets 486."""


class EventKind(StrEnum):
    """What happened to a robot."""

    REGISTERED = "registered"
    REGISTRATION_FAILED = "registration_failed"
    INCOMING = "incoming"
    UP = "up"
    FIRST_AUDIO = "first_audio"
    DOWN = "down"
    REPORT = "report"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RobotEvent:
    """Something that happened to one robot, stamped with the monotonic time in seconds.

    FIRST_AUDIO: `at_monotonic_s` is when the first sound after a silence came out of the phone. UP: the recording's
    first sample belongs to this moment. DOWN, REGISTRATION_FAILED: `status` is the SIP status.
    """

    kind: EventKind
    robot: str
    at_monotonic_s: float
    status: int = 0
    text: str = ""
    numbers: dict[str, float] = field(default_factory=dict)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str | bytes) -> "RobotEvent":
        """Read a line. Raises ValueError, KeyError or TypeError when it is none of ours."""
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "kind": EventKind(values["kind"])})


@dataclass(frozen=True, slots=True)
class RobotSpec:
    """One robot. name: its SIP user, unique in the fleet.

    registrar: "host:port" to register at with `name` and `secret`; empty: only calls that reach its port are answered.
    voice_file: 8 kHz WAV that it says; empty: it stays silent (but sends RTP). turns: it speaks only after it heard
    somebody and then a pause; otherwise it repeats its voice all the time. record_file: WAV of all it hears, or empty;
    a second call is written to NAME-2.wav.
    silence_s: sound after at least so much silence is reported as FIRST_AUDIO. sound_peak: a sample of this size is
    sound; a standing leg with nobody beside it is digitally silent, so the noise of a line can be told from it.
    """

    name: str
    registrar: str = ""
    secret: str = field(default="", repr=False)
    voice_file: str = ""
    turns: bool = False
    record_file: str = ""
    silence_s: float = 0.5
    sound_peak: int = 256
    auto_answer: bool = True

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "RobotSpec":
        """Read what `dataclasses.asdict` made of one."""
        return cls(**values)
