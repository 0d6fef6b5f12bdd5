"""Fictional people with numbers of the simulated network, drawn by seed: the demo's lead list."""

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from server.demo.behaviours import FAR_ENDS, Behaviour, Phase, codes_of
from server.demo.numbering import COLOMBIA, PERU, RANGES, SPAIN, DemoNumber, NumberRange

# A consumer list in the evening, after the "base25" of the pacing scenarios: 35 % people, 36 % machines, one number
# in ten bad.
BEHAVIOUR_WEIGHTS: Mapping[Behaviour, float] = MappingProxyType(
    {
        Behaviour.PERSON_SHORT_WORD: 13.0,
        Behaviour.PERSON_TWO_WORDS: 9.0,
        Behaviour.PERSON_SENTENCE: 8.0,
        Behaviour.PERSON_IN_NOISE: 3.0,
        Behaviour.PERSON_HANGS_UP_AT_ONCE: 2.0,
        Behaviour.VOICEMAIL: 32.0,
        Behaviour.ANNOUNCEMENT_ANSWERED: 1.0,
        Behaviour.SCREENING_CONNECTS: 1.0,
        Behaviour.SCREENING_DECLINES: 1.0,
        Behaviour.RINGBACK_ANSWERED: 0.5,
        Behaviour.FAX: 0.5,
        Behaviour.NO_AUDIO: 0.5,
        Behaviour.OPEN_LINE: 0.5,
        Behaviour.SIT_EARLY: 3.0,
        Behaviour.ANNOUNCEMENT_EARLY: 1.5,
        Behaviour.UNAVAILABLE_EARLY: 1.0,
        Behaviour.UNALLOCATED: 3.0,
        Behaviour.SIT_ANSWERED: 0.5,
        Behaviour.SWITCHED_OFF: 1.0,
        Behaviour.REJECTED: 1.0,
        Behaviour.CONGESTION: 1.0,
        Behaviour.BUSY: 5.0,
        Behaviour.NO_ANSWER: 11.0,
    }
)

_RING_WEIGHTS = (0, 0, 4, 6, 8, 10, 8, 5, 3, 1)  # 2 to 15 s, most 4 to 8 s
_TALK_WEIGHTS = (0, 0, 1, 3, 5, 6, 5, 3, 1, 0)  # people talk 5 to 45 s: two minutes must show many conversations
_MACHINE_STAY = 7  # voicemails record 30 s
_EARLY_RING = 2
# Most mailboxes speak without a pause; three in fifteen pause like a person, or their owner speaks (variants 6 and 5).
_VOICEMAIL_WEIGHTS = (1, 3, 2, 3, 3, 2, 1)

_FIRST_NAMES = (
    *("Lucía", "Mateo", "Valentina", "Santiago", "Camila", "Joaquín", "Carmen", "Álvaro", "Ximena", "Íñigo", "Marisol"),
    *("Nicolás", "Rocío", "Andrés", "Begoña", "Emilio", "Paloma", "Hernán", "Inés", "Ramiro", "Noelia", "Tomás"),
)
_SURNAMES = (
    *(
        "García",
        "Quispe",
        "Muñoz",
        "Restrepo",
        "Fernández",
        "Huamán",
        "Peña",
        "Castaño",
        "Ibáñez",
        "Sepúlveda",
        "Núñez",
    ),
    *(
        "Londoño",
        "Vidal",
        "Ocampo",
        "Soto",
        "Echeverría",
        "Zamora",
        "Pizarro",
        "Belmonte",
        "Cárdenas",
        "Ureña",
        "Rojas",
    ),
)
_CITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SPAIN.region: ("Madrid", "Sevilla", "A Coruña", "Alcalá de Henares"),
        COLOMBIA.region: ("Bogotá", "Medellín", "Ibagué"),
        PERU.region: ("Lima", "Arequipa", "Cusco"),
    }
)
_COLUMNS = ("nombre", "apellidos", "telefono", "zona horaria", "ciudad", "producto", "importe")
_PRODUCTS = ("Fibra 600", "Seguro hogar", "Tarifa solar; plana", "Móvil ilimitado", 'Plan "Familia"')
_RANGE_WEIGHTS = (6, 3, 1)


@dataclass(frozen=True, slots=True)
class DemoLead:
    """One row of the list and what its number will do."""

    number: DemoNumber
    first_name: str
    surname: str
    city: str
    product: str
    amount_eur: float

    @property
    def row(self) -> tuple[str, ...]:
        """The cells as the CSV has them: a decimal comma, as Spanish spreadsheets export it."""
        amount = f"{self.amount_eur:.2f}".replace(".", ",")
        zone = self.number.number_range.time_zone
        return (self.first_name, self.surname, self.number.e164, zone, self.city, self.product, amount)


def draw_leads(
    count: int, rng: random.Random, weights: Mapping[Behaviour, float] = BEHAVIOUR_WEIGHTS
) -> tuple[DemoLead, ...]:
    """`count` leads with different numbers; shares are exact, so that a short list is not another world at every seed.

    Raises ValueError when the numbering plan has not so many numbers.
    """
    taken: set[str] = set()
    behaviours = _quotas(count, weights)
    rng.shuffle(behaviours)
    return tuple(_lead(_unused_number(rng, behaviour, taken), rng) for behaviour in behaviours)


def write_leads(path: Path, leads: Sequence[DemoLead]) -> None:
    """Write the list as a Spanish spreadsheet would export it: semicolons, UTF-8 with a byte order mark. Blocking."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_COLUMNS)
        writer.writerows(lead.row for lead in leads)


def truth_table(leads: Sequence[DemoLead]) -> dict[str, Behaviour]:
    """Number -> what it will do."""
    return {lead.number.e164: lead.number.far_end.behaviour for lead in leads}


def _quotas(count: int, weights: Mapping[Behaviour, float]) -> list[Behaviour]:
    """Each behaviour as often as its weight says, rounded by largest remainder."""
    total = sum(weights.values())
    exact = {behaviour: count * weight / total for behaviour, weight in weights.items()}
    drawn = {behaviour: int(share) for behaviour, share in exact.items()}
    by_remainder = sorted(exact, key=lambda behaviour: drawn[behaviour] - exact[behaviour])
    for behaviour in by_remainder[: count - sum(drawn.values())]:
        drawn[behaviour] += 1
    return [behaviour for behaviour, times in drawn.items() for _ in range(times)]


def _unused_number(rng: random.Random, behaviour: Behaviour, taken: set[str]) -> DemoNumber:
    for _ in range(1000):
        number = _number(rng, behaviour)
        if number.e164 not in taken:
            taken.add(number.e164)
            return number
    raise ValueError(f"the numbering plan has no more numbers that behave as {behaviour}: ask for fewer leads")


def _number(rng: random.Random, behaviour: Behaviour) -> DemoNumber:
    codes = codes_of(behaviour)
    weights = _VOICEMAIL_WEIGHTS if behaviour is Behaviour.VOICEMAIL else (1,) * len(codes)
    far_end = FAR_ENDS[rng.choices(codes, weights)[0]]
    plan: NumberRange = rng.choices(RANGES, _RANGE_WEIGHTS)[0]
    early = far_end.rule.phase is Phase.EARLY_MEDIA
    ring = _EARLY_RING if early else rng.choices(range(10), _RING_WEIGHTS)[0]
    stay = rng.choices(range(10), _TALK_WEIGHTS)[0] if far_end.rule.is_person else _MACHINE_STAY
    return DemoNumber(far_end, ring, stay, rng.randrange(plan.size), plan)


def _lead(number: DemoNumber, rng: random.Random) -> DemoLead:
    return DemoLead(
        number=number,
        first_name=rng.choice(_FIRST_NAMES),
        surname=f"{rng.choice(_SURNAMES)} {rng.choice(_SURNAMES)}",
        city=rng.choice(_CITIES[number.number_range.region]),
        product=rng.choice(_PRODUCTS),
        amount_eur=round(rng.uniform(9.9, 480.0), 2),
    )
