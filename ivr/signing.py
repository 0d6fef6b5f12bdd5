"""Webhooks that the receiver can trust: HMAC-SHA256 over the time and the body."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from ivr.secret import Secret
from ivr.values import Value

SIGNATURE_HEADER = "X-Timbre-Signature"
TIME_HEADER = "X-Timbre-Time"
EVENT_HEADER = "X-Timbre-Event"


def event_body(event: str, event_id: str, call_id: str, flow: str, at_s: float, data: Mapping[str, Value]) -> bytes:
    """The JSON body of an event. data: only values that are not sensitive (Secret cannot be serialised)."""
    told = {
        name: value if isinstance(value, bool | int) or value is None else str(value) for name, value in data.items()
    }
    body: dict[str, object] = {
        "event": event,
        "event_id": event_id,
        "call_id": call_id,
        "flow": flow,
        "at_s": round(at_s, 3),
        "data": told,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(body: bytes, event_id: str, secret: Secret, at_s: float) -> dict[str, str]:
    """The headers of a signed request: the signature covers "time.body", so that an old request cannot be replayed."""
    moment = str(int(at_s))
    return {
        "Content-Type": "application/json",
        TIME_HEADER: moment,
        EVENT_HEADER: event_id,
        SIGNATURE_HEADER: "sha256=" + _signature(body, secret, moment),
    }


def is_signed(body: bytes, headers: Mapping[str, str], secret: Secret, now_s: float, within_s: float = 300.0) -> bool:
    """Whether a request was signed with the secret at most within_s ago: what a receiver does."""
    moment = headers.get(TIME_HEADER, "")
    if not moment.isdigit() or abs(now_s - int(moment)) > within_s:
        return False
    expected = "sha256=" + _signature(body, secret, moment)
    return hmac.compare_digest(expected.encode(), headers.get(SIGNATURE_HEADER, "").encode())


def _signature(body: bytes, secret: Secret, moment: str) -> str:
    return hmac.new(secret.reveal().encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
