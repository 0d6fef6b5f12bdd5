"""What is asked of Asterisk: requests as values, and what its refusals mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from telephony.errors import ChannelGone, DuplicateChannel, EndpointRefused, NotInStasis, RequestRejected
from telephony.port import OriginateOrder, TapOrder

# Asterisk offers the caller's number to the far end from the connected line of a channel that it dials.
_CALLER_ID_VARIABLES = ("CALLERID(num)", "CONNECTEDLINE(num,i)")


@dataclass(frozen=True, slots=True)
class Request:
    """One REST request. query: names and values; body: JSON, when there is one."""

    method: str
    uri: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None

    def encode(self, request_id: str) -> str:
        """The request as one WebSocket message."""
        message: dict[str, Any] = {
            "type": "RESTRequest",
            "request_id": request_id,
            "method": self.method,
            "uri": self.uri,
        }
        if self.query:
            message["query_strings"] = [{"name": name, "value": value} for name, value in self.query]
        if self.body is not None:
            message["content_type"] = "application/json"
            message["message_body"] = orjson.dumps(self.body).decode()
        return orjson.dumps(message).decode()

    def __str__(self) -> str:
        """Method and resource, without numbers that may be somebody's."""
        return f"{self.method} {self.uri}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer. text: JSON as it came; most answers describe a whole channel and nobody reads them."""

    status: int
    reason: str
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether Asterisk did it."""
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        """The parsed JSON, None when there was none."""
        return orjson.loads(self.text) if self.text else None

    @property
    def words(self) -> str:
        """Why Asterisk refused, in its words."""
        body = self.body
        said = body.get("error") or body.get("message") if isinstance(body, dict) else None
        return said or self.reason


def read_reply(raw: Mapping[str, Any]) -> Reply:
    """Read a RESTResponse."""
    return Reply(raw["status_code"], raw.get("reason_phrase", ""), raw.get("message_body") or "")


def rejection(request: Request, reply: Reply) -> RequestRejected:
    """The error that a refusal means (statuses as Asterisk 22 sends them, tried one by one)."""
    words = reply.words.lower()
    kind = RequestRejected
    if reply.status == 404 or (reply.status == 400 and "not found" in words):
        kind = ChannelGone
    elif "stasis" in words:
        kind = NotInStasis
    elif reply.status == 409 and request.uri == "channels/create":
        kind = DuplicateChannel
    elif reply.status == 500 and request.uri == "channels/create":
        kind = EndpointRefused
    return kind(reply.status, reply.words, str(request))


def event_filter(app: str, wanted: Sequence[str]) -> Request:
    """Only these event types. Answers to requests are events too: without RESTResponse none would ever come."""
    allowed = [{"type": name} for name in ("RESTResponse", *wanted)]
    return Request("PUT", f"applications/{app}/eventFilter", body={"allowed": allowed})


def subscribe(app: str, channel_id: str) -> Request:
    """Events of a channel beyond its stay in the application.

    A channel that came through the dialplan leaves the application before it ends: without this its ChannelDestroyed
    is never told.
    """
    return Request("POST", f"applications/{app}/subscription", (("eventSource", f"channel:{channel_id}"),))


def create_channel(order: OriginateOrder, app: str) -> Request:
    """Make the channel of an order; nobody is called yet."""
    query = (("endpoint", order.endpoint), ("app", app), ("appArgs", "out"), ("channelId", order.channel_id))
    variables = dict(order.variables)
    if order.caller_id:
        variables |= dict.fromkeys(_CALLER_ID_VARIABLES, order.caller_id)
    return Request("POST", "channels/create", query, {"variables": variables})


def dial(order: OriginateOrder) -> Request:
    """Call the far end of a created channel. Asterisk counts the ring timeout in whole seconds."""
    return Request(
        "POST", f"channels/{order.channel_id}/dial", (("timeout", str(max(1, round(order.ring_timeout_s)))),)
    )


def answer(channel_id: str) -> Request:
    """Answer an incoming call."""
    return Request("POST", f"channels/{channel_id}/answer")


def hang_up(channel_id: str, reason: str = "normal") -> Request:
    """End a channel."""
    return Request("DELETE", f"channels/{channel_id}", (("reason", reason),))


def create_bridge(bridge_id: str) -> Request:
    """A mixing bridge; keys pressed in it are reported only with dtmf_events."""
    return Request("POST", f"bridges/{bridge_id}", (("type", "mixing,dtmf_events"),))


def destroy_bridge(bridge_id: str) -> Request:
    """Remove a bridge."""
    return Request("DELETE", f"bridges/{bridge_id}")


def add_to_bridge(bridge_id: str, *channel_ids: str) -> Request:
    """Put channels into a bridge, out of wherever they are."""
    return Request("POST", f"bridges/{bridge_id}/addChannel", (("channel", ",".join(channel_ids)),))


def remove_from_bridge(bridge_id: str, channel_id: str) -> Request:
    """Take a channel out of a bridge."""
    return Request("POST", f"bridges/{bridge_id}/removeChannel", (("channel", channel_id),))


def silence(method: Literal["POST", "DELETE"], channel_id: str) -> Request:
    """Begin (POST) or end (DELETE) silence towards a channel."""
    return Request(method, f"channels/{channel_id}/silence")


def tap_channel(order: TapOrder, app: str, audiosocket: str) -> Request:
    """A channel that sends what it is given to the tap server `audiosocket` ("host:port")."""
    query = {
        "channelId": order.tap_channel_id,
        "app": app,
        "external_host": audiosocket,
        "encapsulation": "audiosocket",
        "transport": "tcp",
        "format": "slin",
        "data": order.tap_id,
    }
    return Request("POST", "channels/externalMedia", tuple(query.items()))


def snoop(order: TapOrder, app: str) -> Request:
    """A channel that hears what the far end of a call says, wherever that call is, and says nothing to it."""
    query = {"spy": "in", "whisper": "none", "app": app}
    return Request("POST", f"channels/{order.channel_id}/snoop/{order.overheard_id}", tuple(query.items()))


def play(channel_id: str, media: Sequence[str], playback_id: str) -> Request:
    """Play sounds one after the other."""
    return Request("POST", f"channels/{channel_id}/play/{playback_id}", (("media", ",".join(media)),))


def stop_playback(playback_id: str) -> Request:
    """Stop sounds."""
    return Request("DELETE", f"playbacks/{playback_id}")


PING = Request("GET", "asterisk/ping")
CHANNELS = Request("GET", "channels")
BRIDGES = Request("GET", "bridges")
