"""What holds in a simulated call: the `given` of a test script."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from ivr.fields import Part
from ivr.line import QueueEnd, TransferEnd


class Answer(Part):
    """How a source answers. when: only questions with these values; found: the fields; down: it fails; slow_s: so late.

    Without `found` and `down` it says that there is no such thing.
    """

    when: dict[str, str | int | float] = Field(default_factory=dict)
    found: dict[str, Any] | None = None
    down: bool = False
    slow_s: Annotated[float, Field(ge=0, le=600)] = 0.0


class QueueGiven(Part):
    """How waiting in a queue goes. hangs_up: the caller does, after waited_s."""

    end: QueueEnd = QueueEnd.TALKED
    waited_s: float = 20.0
    talk_s: float = 60.0
    position: int = 1
    wait_s: float | None = None
    to_survey: bool = False
    key: str = ""
    hangs_up: bool = False


def _listed(raw: Any) -> Any:
    return raw if isinstance(raw, list) else [raw]


Answers = Annotated[list[Answer], BeforeValidator(_listed)]


Service = Literal["messages", "hooks", "store", "payments"]


class Given(Part):
    """The world of a simulated call. at: wall clock in the flow's zone; switches: name -> text ("" for the flow's).

    slow: how many seconds late a part of the world answers.
    """

    caller: str = "+34600100200"
    called: str = "+34910000000"
    language: str = ""
    at: datetime = datetime(2026, 3, 3, 11, 0)
    data: dict[str, str | int | bool] = Field(default_factory=dict)
    switches: dict[str, str] = Field(default_factory=dict)
    lookups: dict[str, Answers] = Field(default_factory=dict)
    queues: dict[str, QueueGiven] = Field(default_factory=dict)
    transfers: dict[str, TransferEnd] = Field(default_factory=dict)
    transfer: TransferEnd = TransferEnd.TALKED
    down: tuple[Literal["speech", "messages", "hooks", "store", "payments"], ...] = ()
    slow: dict[Service, Annotated[float, Field(ge=0, le=600)]] = Field(default_factory=dict)
    card_refused: bool = False

    def epoch_s(self, zone: str) -> float:
        """The moment `at` in seconds since 1970."""
        local = self.at if self.at.tzinfo else self.at.replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC).timestamp()
