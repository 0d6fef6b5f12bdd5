"""A caller of a few lines: places SIP calls from one UDP socket and keeps every status code and every RTP sample.

Not a SIP stack: it knows what the simulated network says on loopback, where nothing is lost. SIPp sends such calls
too, but keeps neither early media nor answered audio as samples, which is what these tests look at.
"""

import asyncio
import re
import secrets
import struct
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_S, FRAME_SAMPLES
from media.g711 import ulaw_decode, ulaw_encode


@dataclass
class Heard:
    """One call as the wire showed it. Times are seconds of `time.monotonic`; `answered_s` None: never answered."""

    number: str
    statuses: list[int] = field(default_factory=list)
    placed_s: float = 0.0
    answered_s: float | None = None
    ended_s: float | None = None
    ended_by_far_end: bool = False
    packets: list[tuple[float, int, bytes]] = field(default_factory=list)
    reason_cause: int | None = None

    def audio(self, *, answered: bool) -> NDArray[np.int16]:
        """What came before or after answer, on one time line by RTP time stamps: int16 samples at 8 kHz."""
        border = self.answered_s if self.answered_s is not None else float("inf")
        chosen = [p for p in self.packets if (p[0] >= border) is answered]
        if not chosen:
            return np.zeros(0, np.int16)
        first = chosen[0][1]
        length = max((stamp - first) & 0xFFFFFFFF for _, stamp, _ in chosen) + FRAME_SAMPLES
        line = np.zeros(length, np.int16)
        for _, stamp, payload in chosen:
            at = (stamp - first) & 0xFFFFFFFF
            line[at : at + len(payload)] = ulaw_decode(payload)
        return line


class _Udp(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.inbox.put_nowait(data)


class _Rtp(asyncio.DatagramProtocol):
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[1] & 0x7F == 0:
            self._heard.packets.append((time.monotonic(), struct.unpack_from(">I", data, 4)[0], data[12:]))


@dataclass
class SipCaller:
    """Calls one number and stays for `stay_s` seconds after the answer, or `patience_s` without one."""

    server: tuple[str, int]
    speak: NDArray[np.int16] | None = None

    async def call(self, number: str, *, stay_s: float = 3.0, patience_s: float = 5.0) -> Heard:
        """Place the call, hear it out, leave politely; returns when the dialog is over."""
        return await _Dialog(self, number).run(stay_s, patience_s)


class _Dialog:
    def __init__(self, caller: SipCaller, number: str) -> None:
        self._caller = caller
        self.heard = Heard(number)
        self._call_id = secrets.token_hex(8)
        self._branch = f"z9hG4bK{secrets.token_hex(6)}"
        self._to_tag = ""
        self._far_rtp: tuple[str, int] | None = None
        self._invite_final = False
        self._over = asyncio.Event()

    async def run(self, stay_s: float, patience_s: float) -> Heard:
        loop = asyncio.get_running_loop()
        self._sip, udp = await loop.create_datagram_endpoint(
            _Udp, local_addr=("127.0.0.1", 0), remote_addr=self._caller.server
        )
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: _Rtp(self.heard), local_addr=("127.0.0.1", 0))
        self.heard.placed_s = time.monotonic()
        self._send("INVITE", 1, self._offer())
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(udp.inbox))
                speaker = group.create_task(self._speak())
                await self._stay(stay_s, patience_s)
                reader.cancel()
                speaker.cancel()
        finally:
            self._sip.close()
            self._rtp.close()
        return self.heard

    async def _stay(self, stay_s: float, patience_s: float) -> None:
        if not await self._ends_within(patience_s, answered=True):
            if self.heard.answered_s is None:
                self._send("CANCEL", 1)
            elif not await self._ends_within(stay_s):
                self._send("BYE", 2)
            if not await self._ends_within(3.0):
                raise AssertionError(f"the network never ended the call to {self.heard.number}")
        self.heard.ended_s = time.monotonic()

    async def _ends_within(self, limit_s: float, *, answered: bool = False) -> bool:
        until = time.monotonic() + limit_s
        while not self._over.is_set() and time.monotonic() < until:
            if answered and self.heard.answered_s is not None:
                return False
            await asyncio.sleep(0.01)
        return self._over.is_set()

    async def _read(self, inbox: "asyncio.Queue[bytes]") -> None:
        while True:
            head, _, body = (await inbox.get()).decode().partition("\r\n\r\n")
            if head.startswith("SIP/2.0"):
                self._on_response(head, body)
            elif head.startswith("BYE"):
                self.heard.ended_by_far_end = True
                self._reply_ok(head)
                self._over.set()

    def _on_response(self, head: str, body: str) -> None:
        status = int(head.split(" ", 2)[1])
        method = _header(head, "CSeq").split()[1]
        if method == "BYE":
            self._over.set()
        if method != "INVITE":
            return
        if self._invite_final:  # sent again, because we were slow to acknowledge it
            self._send("ACK", 1)
            return
        self.heard.statuses.append(status)
        if (tag := re.search(r";tag=(\S+)", _header(head, "To"))) is not None:
            self._to_tag = f";tag={tag[1]}"
        if (media := re.search(r"m=audio (\d+)", body)) is not None:
            self._far_rtp = ("127.0.0.1", int(media[1]))
        if status >= 200:
            self._final(status, head)

    def _final(self, status: int, head: str) -> None:
        self._invite_final = True
        if (cause := re.search(r"cause=(\d+)", _header(head, "Reason"))) is not None:
            self.heard.reason_cause = int(cause[1])
        if status == 200:
            self.heard.answered_s = time.monotonic()
            self._branch = f"z9hG4bK{secrets.token_hex(6)}"
        else:
            self._over.set()
        self._send("ACK", 1)

    async def _speak(self) -> None:
        sequence = 0
        speak = self._caller.speak
        start = time.monotonic()
        while True:
            sequence += 1
            await asyncio.sleep(max(0.0, start + sequence * FRAME_S - time.monotonic()))
            if self._far_rtp is None or speak is None:
                continue
            at = sequence * FRAME_SAMPLES % (len(speak) - FRAME_SAMPLES)
            payload = ulaw_encode(speak[at : at + FRAME_SAMPLES])
            header = struct.pack(">BBHII", 0x80, 0, sequence & 0xFFFF, sequence * FRAME_SAMPLES, 77)
            self._rtp.sendto(header + payload, self._far_rtp)

    def _offer(self) -> str:
        port = self._rtp.get_extra_info("sockname")[1]
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def _send(self, method: str, cseq: int, body: str = "") -> None:
        host, port = self._sip.get_extra_info("sockname")
        uri = f"sip:{self.heard.number}@{self._caller.server[0]}:{self._caller.server[1]}"
        to_tag = "" if method in ("INVITE", "CANCEL") else self._to_tag
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch={self._branch}",
            f"From: <sip:caller@{host}:{port}>;tag={self._call_id[:6]}",
            f"To: <{uri}>{to_tag}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@{host}:{port}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _reply_ok(self, head: str) -> None:
        kept = [f"{name}: {_header(head, name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        self._sip.sendto(("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode())


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found is not None else ""
