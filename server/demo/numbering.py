"""The numbering plan of the simulated network: what the last four digits of a number mean.

`... R T C C`: R is how long it rings, T how long the far end stays after its greeting, CC the far end's code
(`server.demo.behaviours`). The digits before are a country, a range nobody has, and a serial number.

The ranges are valid mobile numbers for `phonenumbers`, but libphonenumber's carrier data (taken from the regulators'
assignments) names no operator for them: a list of demo leads that reaches a real trunk by mistake rings nowhere.
"""

import re
from dataclasses import dataclass
from typing import Self

from server.demo.behaviours import FAR_ENDS, Behaviour, FarEnd, codes_of

RING_S = (0.2, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0)
STAY_S = (1.0, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0, 30.0, 45.0, 120.0)


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers of one country: +`country_code` `prefix` serial R T C C."""

    region: str
    country_code: str
    prefix: str
    serial_digits: int
    time_zone: str

    @property
    def size(self) -> int:
        """How many numbers share the same last four digits."""
        return int(10**self.serial_digits)


SPAIN = NumberRange("ES", "34", "788", 2, "Europe/Madrid")
COLOMBIA = NumberRange("CO", "57", "370", 3, "America/Bogota")
PERU = NumberRange("PE", "51", "911", 2, "America/Lima")
RANGES = (SPAIN, COLOMBIA, PERU)


@dataclass(frozen=True, slots=True)
class DemoNumber:
    """One number of the network. ring and stay are the digits R and T: indexes into RING_S and STAY_S."""

    far_end: FarEnd
    ring: int = 0
    stay: int = 0
    serial: int = 0
    number_range: NumberRange = SPAIN

    def __post_init__(self) -> None:
        """Refuse what has no digits."""
        if not (0 <= self.ring < len(RING_S) and 0 <= self.stay < len(STAY_S)):
            raise ValueError(f"ring {self.ring} and stay {self.stay} are digits, 0 to 9")
        if not 0 <= self.serial < self.number_range.size:
            raise ValueError(
                f"serial {self.serial} does not fit {self.number_range.region}: 0 to {self.number_range.size - 1}"
            )

    @property
    def e164(self) -> str:
        """As dialled: "+34788..."."""
        plan = self.number_range
        serial = f"{self.serial:0{plan.serial_digits}d}"
        return f"+{plan.country_code}{plan.prefix}{serial}{self.ring}{self.stay}{self.far_end.code:02d}"

    @property
    def ring_s(self) -> float:
        """Seconds from the call's arrival to its answer or refusal; NO_ANSWER rings on."""
        return RING_S[self.ring]

    @property
    def stay_s(self) -> float:
        """Seconds from the end of the greeting to the far end's hang-up."""
        return STAY_S[self.stay]

    @classmethod
    def of(cls, behaviour: Behaviour, *, variant: int = 0, ring: int = 0, stay: int = 0, serial: int = 0) -> Self:
        """A Spanish number that behaves so: what tests dial."""
        return cls(FAR_ENDS[codes_of(behaviour)[variant]], ring, stay, serial)

    @classmethod
    def parse(cls, number: str) -> Self:
        """Read a number back, with or without its plus sign. Raises ValueError when the network does not have it."""
        digits = number.removeprefix("+")
        for plan in RANGES:
            pattern = rf"{plan.country_code}{plan.prefix}(\d{{{plan.serial_digits}}})(\d)(\d)(\d\d)"
            found = re.fullmatch(pattern, digits)
            if found is not None and int(found[4]) in FAR_ENDS:
                return cls(FAR_ENDS[int(found[4])], int(found[2]), int(found[3]), int(found[1]), plan)
        raise ValueError("not a number of the simulated network: see docs/network.md for its numbering plan")
