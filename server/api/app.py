"""The versioned JSON API, metrics and health of one node."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.agent import AgentError
from campaigns.campaign_file import CampaignFileError
from campaigns.csv_text import LeadFileError
from dialer.engine import EngineError
from dialer.inbound.call import CallRefused
from dialer.wrap_up import DispositionError
from ivr.flow import FlowError
from media.prompts import PromptMissing
from server.api import agents, calls, campaigns, dnc, figures, flows, inbound, leads, status
from server.house import House
from server.queue_metrics import QueueFigures
from storage.errors import StorageError
from telephony.errors import TelephonyError

_BEARER = HTTPBearer(auto_error=False)
# What a person can mend by asking differently is 4xx; what must be waited for or repaired here is 503.
_STATUS: dict[type[Exception], int] = {
    AgentError: 409,
    CallRefused: 409,
    CampaignFileError: 422,
    DispositionError: 422,
    EngineError: 409,
    FlowError: 422,
    LeadFileError: 422,
    PromptMissing: 422,
    StorageError: 503,
    TelephonyError: 503,
}


def make_app(house: House, token: str) -> FastAPI:
    """The application. Every call but /healthz and /metrics needs `Authorization: Bearer TOKEN`."""

    def allowed(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "send the header Authorization: Bearer TOKEN; `timbre token` prints it")

    app = FastAPI(title="Timbre", version="1", docs_url="/api/docs", openapi_url="/api/openapi.json", redoc_url=None)
    app.state.house = house
    house.metrics.registry.register(QueueFigures(house.inbound.hall, house.clock))
    for part in (status, campaigns, leads, dnc, agents, calls, inbound, figures, flows):
        app.include_router(part.router, prefix="/api/v1", dependencies=[Depends(allowed)])
    for kind, code in _STATUS.items():
        app.add_exception_handler(kind, _handler(code))

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        ready = house.engine.may_dial
        return JSONResponse({"ready": ready, "link": house.control.link_state.value}, 200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(house.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _handler(code: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, code)

    return answer
