"""What an agent says a conversation came to, and what that does to the lead."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


class DispositionEffect(StrEnum):
    """What a disposition does."""

    CLOSE = "close"  # done with, good or bad
    RETRY = "retry"  # dial again after retry_after_s
    CALLBACK = "callback"  # dial again when promised
    WRONG_NUMBER = "wrong_number"  # this number never reaches the person: close
    DNC = "dnc"  # asked not to be called: the number goes to the do-not-call list


@dataclass(frozen=True, slots=True)
class Disposition:
    """One choice in the agent's wrap-up. `success` counts as a conversion in reports; retry_after_s: only for RETRY."""

    code: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9_]+$")]
    label: str
    effect: DispositionEffect = DispositionEffect.CLOSE
    success: bool = False
    retry_after_s: Annotated[float, Field(ge=60, le=31_536_000)] = 86_400.0

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


DEFAULT_DISPOSITIONS: tuple[Disposition, ...] = (
    Disposition("sale", "Venta / Sale", success=True),
    Disposition("not_interested", "No le interesa / Not interested"),
    Disposition("callback", "Volver a llamar / Call back", DispositionEffect.CALLBACK),
    Disposition("not_the_person", "No está / Not the person", DispositionEffect.RETRY),
    Disposition("wrong_number", "Número equivocado / Wrong number", DispositionEffect.WRONG_NUMBER),
    Disposition("dnc", "No volver a llamar / Do not call", DispositionEffect.DNC),
    Disposition("no_disposition", "Sin calificar / Not dispositioned"),
)
