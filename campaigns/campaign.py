"""A campaign: which lists are dialled, how, when, from which number, and what happens to each kind of answer.

Built in code it is trusted; read from a file (`campaigns.campaign_file`) every field is checked against the bounds
written here. The defaults are the careful choice: lowest pace, longest pause, shortest silence for the callee.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from campaigns.calling_window import CallingWindow, window_of
from campaigns.consent import Basis
from campaigns.disposition import DEFAULT_DISPOSITIONS, STRICT, Disposition
from campaigns.outcome import Outcome

Name = Annotated[str, Field(min_length=1, max_length=120)]
Share = Annotated[float, Field(ge=0, le=0.2)]


class DialMode(StrEnum):
    """Who decides when the next call is placed."""

    MANUAL = "manual"  # the agent dials a number
    PREVIEW = "preview"  # the agent sees the lead first and says go
    PROGRESSIVE = "progressive"  # one call for each free agent
    RATIO = "ratio"  # a fixed number of calls for each free agent
    PREDICTIVE = "predictive"  # as many as the forecast and the abandonment cap allow

    @property
    def over_dials(self) -> bool:
        """Whether more calls than free agents may be in flight, so that somebody can be abandoned."""
        return self in {DialMode.RATIO, DialMode.PREDICTIVE}


class Purpose(StrEnum):
    """Why people are called: rules differ by it."""

    MARKETING = "marketing"
    COLLECTION = "collection"
    RESEARCH = "research"
    SERVICE = "service"


class Language(StrEnum):
    """Language of prompts."""

    ES = "es"
    EN = "en"


class OnMachine(StrEnum):
    """What to do with a voicemail."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"


@dataclass(frozen=True, slots=True)
class Hours:
    """When the campaign calls, in the callee's local time; the law's own windows are checked besides.

    windows: texts like "mon-fri 09:00-21:00". on_holidays: whether public holidays of the campaign's country are
    days like others. time_zone: for numbers whose zone nobody knows and counts by day; a file has its country's.
    """

    windows: tuple[str, ...] = ("mon-fri 09:00-21:00",)
    on_holidays: bool = False
    time_zone: str = "Europe/Madrid"

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    def window(self, country: str, region: str = "") -> CallingWindow:
        """The windows as a calendar. Raises ValueError when a text is not a window."""
        return window_of(self.windows) if self.on_holidays else window_of(self.windows, country, region)


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Dial again `delay_s` after such an outcome, as long as fewer than max_attempts were made; 0: never again."""

    delay_s: Annotated[float, Field(ge=0, le=31_536_000)] = 14_400.0
    max_attempts: Annotated[int, Field(ge=0, le=50)] = 50

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


class PacingLawName(StrEnum):
    """Which law paces mode predictive (docs/pacing.md). The others stand beside Timbre's own to be compared with it."""

    HAZARD = "hazard"  # Timbre's own
    HAZARD_NO_GIVE_UP = "hazard-no-give-up"  # the same, without taking ringing calls back
    AVERAGES = "averages"
    PROGRESSIVE = "progressive"
    RATIO = "ratio"
    VICIDIAL_HARD_LIMIT = "vicidial-hard-limit"
    VICIDIAL_AVERAGE = "vicidial-average"
    VICIDIAL_TAPERED = "vicidial-tapered"
    WOMBAT_BOOST = "wombat-boost"
    ISSABEL = "issabel"
    ISSABEL_ASR = "issabel-asr"


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """Pace of over-dialling modes.

    law: of mode predictive. ratio: calls for each free agent (mode and law ratio, Wombat's boost, and the ceiling of
    hazard's first minutes). level_max: highest dial level of VICIdial's laws.
    abandonment_cap: hard limit, abandoned / answered by people; abandonment_target: what pacing aims at.
    """

    law: PacingLawName = PacingLawName.HAZARD
    ratio: Annotated[float, Field(ge=1, le=10)] = 1.2
    level_max: Annotated[float, Field(ge=1, le=10)] = 3.0
    abandonment_cap: Share = 0.03
    abandonment_target: Share = 0.02

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class AbTest:
    """Two ways of pacing inside one campaign, by turns that chance decides: [pacing] is A, [ab.pacing] is B.

    block_s: how long a turn lasts; two turns in a row are A and B, or B and A. settle_s: of each turn's beginning, not
    counted, because calls of the other way are still in flight. seed: of the coin.
    """

    pacing: PacingSettings = field(default_factory=PacingSettings)
    block_s: Annotated[float, Field(ge=120, le=14_400)] = 900.0
    settle_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    seed: Annotated[int, Field(ge=0)] = 1

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class AmdPolicy:
    """Whether and how answers are screened; cost_ratio, deadline_s, silence_s as in `amd.verdict.AmdSettings`.

    message: prompt left after the beep when on_machine is leave_message.
    audited, audited_people: verdicts "machine" that somebody checked by ear, and how many of them were people: what
    AMD costs of the abandonment budget is the upper bound of that share. assumed_people: that share without an audit.
    signalling: whether ring time and early media move P(person), by what the centre's own calls taught of them.
    heard_while_speaking: whether somebody who speaks into a message silences it; off for lines that echo our words.
    """

    enabled: bool = True
    cost_ratio: Annotated[float, Field(ge=0.1, le=1000)] = 20.0
    deadline_s: Annotated[float, Field(ge=0.5, le=30)] = 5.0
    silence_s: Annotated[float, Field(ge=0.5, le=30)] = 4.0
    on_machine: OnMachine = OnMachine.HANG_UP
    message: str = ""
    audited: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    audited_people: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    assumed_people: Annotated[float, Field(ge=0, le=1)] = 0.0
    signalling: bool = True
    heard_while_speaking: bool = True

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class SafeHarbour:
    """What a person hears when no agent is free `max_wait_s` after the end of the greeting (16 CFR 310.4(b)(4): 2 s).

    prompt: name of a sound; it must name the seller and a number to call. The default one is spoken with both.
    """

    prompt: Name = "safe-harbour"
    max_wait_s: Annotated[float, Field(gt=0, le=5)] = 2.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class CampaignLimits:
    """Hard bounds. calls_per_s: originates; channels: calls in flight or up; attempts: of one lead, ever and a day."""

    calls_per_s: Annotated[float, Field(gt=0, le=200)] = 5.0
    channels: Annotated[int, Field(ge=1, le=10_000)] = 60
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 6
    max_attempts_per_day: Annotated[int, Field(ge=1, le=20)] = 3

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class WrapUp:
    """The agent's time after a call. max_s: then default_disposition is set and the agent is idle again.

    interruptible_share: only when the agents agreed to it: a person whom nobody idle can take ends the wrap-up that is
    nearest to its end, at least interruptible_after_s into it, in at most this share of an agent's calls; what was
    left of it, and interruptible_back_s, is added to that agent's next wrap-up.
    """

    max_s: Annotated[float, Field(ge=0, le=3600)] = 30.0
    default_disposition: str = "no_disposition"
    interruptible_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    interruptible_after_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    interruptible_back_s: Annotated[float, Field(ge=0, le=60)] = 3.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Compliance:
    """What you declare to the calling rules (docs/compliance.md).

    basis: on what ground people are called who gave no recorded consent. scrubbed: registry -> ISO date on which the
    lists were last compared with it, such as {lista_robinson = 2026-11-02}.
    """

    basis: Basis = Basis.NONE
    scrubbed: Mapping[str, Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]] = field(default_factory=dict)

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


# Busy means somebody is there: dial sooner. 72 h after an abandoned call: Ofcom's persistent misuse policy, 2016.
DEFAULT_RETRY: Mapping[Outcome, RetryRule] = {
    Outcome.ABANDONED: RetryRule(259_200),
    Outcome.CUSTOMER_HUNG_UP: RetryRule(14_400, 3),
    Outcome.MACHINE: RetryRule(14_400),
    Outcome.MESSAGE_LEFT: RetryRule(172_800, 3),
    Outcome.SCREENING: RetryRule(86_400, 2),
    Outcome.FAX: RetryRule(0, 0),
    Outcome.SILENCE: RetryRule(14_400, 3),
    Outcome.ANNOUNCEMENT: RetryRule(86_400, 2),
    Outcome.BUSY: RetryRule(900),
    Outcome.NO_ANSWER: RetryRule(14_400),
    Outcome.CONGESTION: RetryRule(300),
    Outcome.UNALLOCATED: RetryRule(0, 0),
    Outcome.REJECTED: RetryRule(86_400, 2),
    Outcome.GIVEN_UP: RetryRule(1_800),
    Outcome.REFUSED: RetryRule(3_600),
    Outcome.FAILED: RetryRule(600),
    Outcome.LOST: RetryRule(3_600),
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """Everything that one campaign is. country: ISO 3166 alpha-2, for numbers without a prefix, holidays and rules.

    caller_id: E.164, shown to the callee. trunks: tried in this order. retry: only what differs from DEFAULT_RETRY.
    """

    campaign_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
    name: Name
    caller_id: str
    lists: Annotated[tuple[Name, ...], Field(min_length=1)]
    trunks: Annotated[tuple[Name, ...], Field(min_length=1)]
    seller: Name
    mode: DialMode = DialMode.PROGRESSIVE
    purpose: Purpose = Purpose.MARKETING
    country: str = "ES"
    region: str = ""
    language: Language = Language.ES
    ring_timeout_s: Annotated[float, Field(ge=15, le=120)] = 25.0  # 16 CFR 310.4(b)(4)(ii): not under 15 s
    recording: bool = False
    hours: Hours = field(default_factory=Hours)
    retry: Mapping[Outcome, RetryRule] = field(default_factory=dict)
    pacing: PacingSettings = field(default_factory=PacingSettings)
    amd: AmdPolicy = field(default_factory=AmdPolicy)
    safe_harbour: SafeHarbour = field(default_factory=SafeHarbour)
    limits: CampaignLimits = field(default_factory=CampaignLimits)
    compliance: Compliance = field(default_factory=Compliance)
    wrap_up: WrapUp = field(default_factory=WrapUp)
    ab: AbTest | None = None
    dispositions: tuple[Disposition, ...] = DEFAULT_DISPOSITIONS

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    def retry_rule(self, outcome: Outcome) -> RetryRule:
        """What happens after this outcome; BRIDGED is closed here because a disposition decides about it."""
        return self.retry.get(outcome) or DEFAULT_RETRY.get(outcome) or RetryRule(0, 0)

    def calling_window(self) -> CallingWindow:
        """The campaign's own window. Raises ValueError when the hours are not valid."""
        return self.hours.window(self.country, self.region)

    def disposition(self, code: str) -> Disposition | None:
        """The disposition with this code, None when the campaign has none."""
        return next((known for known in self.dispositions if known.code == code), None)
