"""Lead lists, leads and numbers that must not be called."""

from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query, Request
from pydantic import BaseModel, Field

from campaigns.campaign import Purpose
from campaigns.ids import new_id
from campaigns.lead import Lead
from campaigns.phone import E164, PhoneError, parse_phone
from server.api.house import TheHouse
from storage.port import Consent

router = APIRouter(tags=["leads"])
_MOST_SHOWN = 200


class ImportView(BaseModel):
    """What became of a file. rejections: the first 200, as text; values are masked."""

    added: int
    duplicates: int
    rejected: int
    rejections: list[str]


class LeadView(BaseModel):
    """One lead. Times are seconds since 1970, UTC."""

    lead_id: str
    list_id: str
    phone: str
    name: str
    state: str
    attempts: int
    next_call_at_s: float | None
    last_outcome: str | None
    fields: dict[str, str]


class DncView(BaseModel):
    """How many numbers were new on the list."""

    added: int


class ConsentsSaid(BaseModel):
    """What people said of being called for a purpose. source: where the proof is; at_s: when, now if not given."""

    phones: Annotated[list[str], Field(max_length=10_000)]
    purpose: Purpose
    given: bool
    source: Annotated[str, Field(min_length=1, max_length=200)]
    at_s: Annotated[float, Field(gt=0)] | None = None
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "ES"


class ConsentsView(BaseModel):
    """How many were written down."""

    recorded: int


class ConsentView(BaseModel):
    """One consent, or its withdrawal. at_s: seconds since 1970, UTC."""

    purpose: str
    channel: str
    given: bool
    source: str
    at_s: float


def _view(lead: Lead) -> LeadView:
    return LeadView(
        lead_id=lead.lead_id,
        list_id=lead.list_id,
        phone=lead.phone,
        name=lead.name,
        state=lead.state.value,
        attempts=lead.attempts,
        next_call_at_s=lead.next_call_at_s,
        last_outcome=lead.last_outcome,
        fields=lead.fields,
    )


@router.post("/lists/{list_id}/import")
async def import_leads(
    list_id: str,
    request: Request,
    house: TheHouse,
    region: Annotated[str, Query(pattern="^[A-Z]{2}$")] = "ES",
    column: Annotated[list[Annotated[str, Query(pattern="^[a-z_]+=.+$")]], Query(max_length=10)] = [],  # noqa: B006 - FastAPI copies it
) -> ImportView:
    """Import a CSV file (the body, as it is). Bad rows are reported, the others are imported.

    column: "phone=COLUMN" for a header that nobody would guess; phone, name, surname, time_zone or priority.
    """
    columns = {field: name for field, _, name in (each.partition("=") for each in column)}
    report = await house.importer.chunks([await request.body()], list_id, region, columns)
    return ImportView(
        added=report.added,
        duplicates=report.duplicates,
        rejected=len(report.rejections),
        rejections=[str(each) for each in report.rejections[:_MOST_SHOWN]],
    )


@router.get("/lists/{list_id}/leads")
async def leads(
    list_id: str, house: TheHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str = ""
) -> list[LeadView]:
    """A page of a list's leads, by id; `after`: the last id of the page before."""
    return [_view(lead) for lead in await house.stores.leads.list(list_id, limit, after)]


@router.get("/leads/{lead_id}")
async def lead(lead_id: str, house: TheHouse) -> LeadView:
    """One lead."""
    if (found := await house.stores.leads.get(lead_id)) is None:
        raise HTTPException(404, f"there is no lead {lead_id}")
    return _view(found)


@router.post("/dnc")
async def add_dnc(
    house: TheHouse, phones: Annotated[list[str], Body(max_length=10_000)], source: str = "api", region: str = "ES"
) -> DncView:
    """Add numbers that must not be called. One that cannot be read refuses them all."""
    return DncView(added=await house.stores.dnc.add(read_numbers(phones, region), source, house.clock.now_s()))


@router.post("/consents")
async def add_consents(house: TheHouse, said: ConsentsSaid) -> ConsentsView:
    """Record what people allowed or withdrew; the latest word counts. A number that cannot be read refuses them all."""
    numbers, now_s = read_numbers(said.phones, said.region), house.clock.now_s()
    for number in numbers:
        consent_id = new_id(now_s, house.engine.services.rng)
        await house.stores.consents.record(
            Consent(consent_id, number, "voice", said.purpose.value, said.given, said.source, said.at_s or now_s)
        )
    return ConsentsView(recorded=len(numbers))


@router.get("/consents/{phone}")
async def consents(phone: str, house: TheHouse) -> list[ConsentView]:
    """Everything that the person with this E.164 number ever allowed or withdrew, oldest first."""
    return [
        ConsentView(purpose=each.purpose, channel=each.channel, given=each.given, source=each.source, at_s=each.at_s)
        for each in await house.stores.consents.history(phone)
    ]


def read_numbers(phones: list[str], region: str) -> list[E164]:
    """Numbers as E.164. Raises HTTPException that names the first that cannot be read by its place."""
    numbers = []
    for place, phone in enumerate(phones, 1):
        try:
            numbers.append(parse_phone(phone, region))
        except PhoneError as error:
            raise HTTPException(422, f"number {place} cannot be read: {error}; nothing was written") from None
    return numbers
