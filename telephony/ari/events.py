"""Asterisk's JSON events in the house's words. Pure: what is not used costs one dictionary look-up."""

from collections.abc import Callable, Mapping
from typing import Any

from telephony.events import (
    Answered,
    Arrived,
    BridgeEntered,
    BridgeLeft,
    CallEvent,
    Dtmf,
    EarlyMedia,
    HungUp,
    PlaybackEnded,
    Ringing,
    TalkChanged,
)

Raw = Mapping[str, Any]
ARRIVAL_ARGUMENTS = frozenset({"incoming", "agent"})  # first Stasis argument given by our dialplan


def _dial(raw: Raw, at_s: float) -> CallEvent | None:
    kind = {"RINGING": Ringing, "PROGRESS": EarlyMedia, "ANSWER": Answered}.get(raw["dialstatus"])
    return kind(raw["peer"]["id"], at_s) if kind else None


def _destroyed(raw: Raw, at_s: float) -> CallEvent:
    status = raw.get("tech_cause", 0)
    sip_status = status if 100 <= status < 700 else None
    return HungUp(raw["channel"]["id"], at_s, raw["cause"], sip_status, raw.get("cause_txt", ""))


def _dtmf(raw: Raw, at_s: float) -> CallEvent:
    return Dtmf(raw["channel"]["id"], at_s, raw["digit"], raw["duration_ms"])


def _playback(raw: Raw, at_s: float) -> CallEvent | None:
    playback = raw["playback"]
    kind, _, target = playback["target_uri"].partition(":")
    if kind != "channel":
        return None
    return PlaybackEnded(target, at_s, playback["id"], playback["state"] == "failed")


def _entered(raw: Raw, at_s: float) -> CallEvent:
    return BridgeEntered(raw["channel"]["id"], at_s, raw["bridge"]["id"])


def _left(raw: Raw, at_s: float) -> CallEvent:
    return BridgeLeft(raw["channel"]["id"], at_s, raw["bridge"]["id"])


def _talking(raw: Raw, at_s: float) -> CallEvent:
    return TalkChanged(raw["channel"]["id"], at_s, raw["type"] == "ChannelTalkingStarted")


_READERS: dict[str, Callable[[Raw, float], CallEvent | None]] = {
    "Dial": _dial,
    "ChannelDestroyed": _destroyed,
    "ChannelDtmfReceived": _dtmf,
    "PlaybackFinished": _playback,
    "ChannelEnteredBridge": _entered,
    "ChannelLeftBridge": _left,
    "ChannelTalkingStarted": _talking,
    "ChannelTalkingFinished": _talking,
}
WANTED = (*_READERS, "StasisStart", "ApplicationReplaced")


def read_event(raw: Raw, at_s: float) -> CallEvent | None:
    """One event as the house's own, or None when it means nothing to a call. at_s: monotonic seconds."""
    reader = _READERS.get(raw["type"])
    return reader(raw, at_s) if reader else None


def read_arrival(raw: Raw, at_s: float) -> Arrived | None:
    """A StasisStart that our dialplan sent, or None when the channel came some other way.

    Arguments: "incoming", the number called; or "agent", the agent's endpoint, what the agent dialled.
    """
    arguments = tuple(raw["args"])
    if not arguments or arguments[0] not in ARRIVAL_ARGUMENTS:
        return None
    channel = raw["channel"]
    caller = channel.get("caller", {}).get("number", "")
    return Arrived(channel["id"], at_s, arguments[-1], caller, arguments, dict(channel.get("channelvars") or {}))


def read_waiting(channel: Raw, at_s: float) -> Arrived | None:
    """The arrival of a channel on Asterisk's list that still rings for us, None for every other channel."""
    if channel.get("state") != "Ring":
        return None
    dialplan = channel.get("dialplan") or {}
    arguments = str(dialplan.get("app_data", "")).split(",")[1:]
    return read_arrival({"args": arguments, "channel": channel}, at_s) if dialplan.get("app_name") == "Stasis" else None
