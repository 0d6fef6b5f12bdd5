"""A caller of a few lines for real Asterisk: calls a number, presses keys in all three ways, keeps what it hears.

Not a SIP stack: it knows what our own Asterisk says on loopback. Times are seconds of `time.monotonic`.
"""

import asyncio
import contextlib
import re
import secrets
import socket
import struct
import time
from collections import deque
from enum import StrEnum
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_S, FRAME_SAMPLES
from media.g711 import ulaw_decode, ulaw_encode

_PAIRS = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "4": (770, 1209), "5": (770, 1336), "6": (770, 1477),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "*": (941, 1209), "0": (941, 1336), "#": (941, 1477),
}  # fmt: skip
_EVENTS = "0123456789*#"
_EVENT_TYPE = 101
_FRAMES_OF_A_KEY = 6  # 120 ms
_FRAMES_BETWEEN_KEYS = 6
_LOUD_PACKETS, _LOUD_RMS = 25, 200.0
_SO_TIMESTAMPNS = 35  # Linux
_SILENCE = b"\xff" * FRAME_SAMPLES


class Keys(StrEnum):
    """How a key reaches the other side."""

    RFC4733 = "rfc4733"
    INFO = "info"
    IN_BAND = "in-band"


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, take: "asyncio.Queue[bytes]") -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._take.put_nowait(data)


class _Media:
    """A telephone's RTP. When a packet came is the kernel's word: a test that is late does not hear gaps."""

    def __init__(self, packets: deque[tuple[float, int, bytes]]) -> None:
        self._packets = packets
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._take)

    def _take(self) -> None:
        while True:
            try:
                data, extras, _, _ = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            at_s = time.monotonic()
            for _, kind, stamp in extras:
                if kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", stamp)
                    at_s -= max(0.0, time.time() - seconds - nanoseconds / 1e9)
            if data[1] & 0x7F == 0:
                self._packets.append((at_s, struct.unpack_from(">I", data, 4)[0], data[12:]))

    def send(self, packet: bytes, to: tuple[str, int]) -> None:
        """A packet that the kernel does not take now is lost, as packets are."""
        with contextlib.suppress(BlockingIOError):
            self._socket.sendto(packet, to)

    def close(self) -> None:
        """Twice is once."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()


class InboundCaller:
    """One call. Use as `async with`: entering places it and waits for the answer, leaving hangs up.

    keys: how `press` works; only with RFC4733 telephone events are offered. speak: (n,) int16 at 8 kHz, repeated.
    """

    def __init__(
        self,
        server: tuple[str, int],
        number: str,
        *,
        caller: str = "+34600111222",
        keys: Keys = Keys.RFC4733,
        speak: NDArray[np.int16] | None = None,
    ) -> None:
        self.packets: deque[tuple[float, int, bytes]] = deque()
        self.answered_s: float | None = None
        self.ended_s: float | None = None
        self.final_status = 0
        self.speak = speak  # may be changed during the call
        self._server, self._number, self._caller, self._keys = server, number, caller, keys
        self._call_id, self._to_tag, self._cseq = secrets.token_hex(8), "", 1
        self._branch = f"z9hG4bK{secrets.token_hex(6)}"
        self._far_rtp: tuple[str, int] | None = None
        # What the speaker sends instead of speech: payload, whether it is an event, whether the key is let go with it.
        self._events: deque[tuple[bytes, bool, bool]] = deque()
        self._answered, self._over = asyncio.Event(), asyncio.Event()
        self._pressed: asyncio.Future[float] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.dial()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def dial(self, patience_s: float = 20.0) -> None:
        """Call and wait for the answer. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[bytes] = asyncio.Queue()
        address = ("127.0.0.1", 0)
        self._sip, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(inbox), local_addr=address, remote_addr=self._server
        )
        self._rtp = _Media(self.packets)
        self._send("INVITE", self._offer())
        self._tasks = [loop.create_task(self._read(inbox)), loop.create_task(self._talk())]
        async with asyncio.timeout(patience_s):
            await self._answered.wait()

    async def press(self, digits: str) -> float:
        """Press keys one after the other; when the last one was let go."""
        at_s = 0.0
        for digit in digits:
            at_s = await self._press(digit)
            if self._keys is Keys.INFO:
                await asyncio.sleep(_FRAMES_BETWEEN_KEYS * FRAME_S)
        return at_s

    async def _press(self, digit: str) -> float:
        if self._keys is Keys.INFO:
            self._cseq += 1
            self._branch = f"z9hG4bK{secrets.token_hex(6)}"
            self._send("INFO", f"Signal={digit}\r\nDuration=120\r\n", "application/dtmf-relay")
            return time.monotonic()
        self._pressed = asyncio.get_running_loop().create_future()
        if self._keys is Keys.IN_BAND:
            moments = np.arange(_FRAMES_OF_A_KEY * FRAME_SAMPLES) / 8000
            tone = sum(8000 * np.sin(2 * np.pi * hz * moments) for hz in _PAIRS[digit])
            sound = ulaw_encode(np.asarray(tone, np.int16))
            last = len(sound) - FRAME_SAMPLES
            parts = [(sound[at : at + FRAME_SAMPLES], False, at == last) for at in range(0, len(sound), FRAME_SAMPLES)]
        else:
            event = _EVENTS.index(digit)
            lengths = [(index + 1) * FRAME_SAMPLES for index in range(_FRAMES_OF_A_KEY)]
            parts = [(struct.pack(">BBH", event, 10, length), True, False) for length in lengths]
            end = struct.pack(">BBH", event, 0x80 | 10, lengths[-1])
            parts += [(end, True, True), (end, True, False), (end, True, False)]
        # The pause is part of what is sent: a talker that is late sends frames one after the other, and two keys
        # without a pause between them are one.
        self._events.extend([*parts, *[(_SILENCE, False, False)] * _FRAMES_BETWEEN_KEYS])
        return await self._pressed

    async def hang_up(self) -> None:
        """Leave politely; does nothing when the other side did."""
        if not self._over.is_set() and self.answered_s is not None:
            self._cseq += 1
            self._branch = f"z9hG4bK{secrets.token_hex(6)}"
            self._send("BYE")
            try:
                async with asyncio.timeout(3.0):
                    await self._over.wait()
            except TimeoutError:
                pass
        self.die()

    def die(self) -> None:
        """Vanish without a word."""
        for task in self._tasks:
            task.cancel()
        self._sip.close()
        self._rtp.close()

    async def ended(self, timeout_s: float = 30.0) -> None:
        """Wait until the other side hangs up."""
        async with asyncio.timeout(timeout_s):
            await self._over.wait()

    def audio(self, since_s: float = 0.0) -> NDArray[np.int16]:
        """What was heard since a moment, packets one after the other."""
        chosen = [payload for at_s, _, payload in self.packets if at_s >= since_s]
        return ulaw_decode(b"".join(chosen)) if chosen else np.zeros(0, np.int16)

    def share_of_tone(self, hz: float, since_s: float) -> float:
        """The share of packets since a moment that are this tone."""
        chosen = [payload for at_s, _, payload in self.packets if at_s >= since_s]
        return sum(_is_tone(ulaw_decode(payload), hz) for payload in chosen) / max(1, len(chosen))

    async def hears_tone(self, hz: float, timeout_s: float = 20.0, since_s: float = 0.0) -> float:
        """Wait until a tone is heard; when its first packet came."""
        seen = 0
        async with asyncio.timeout(timeout_s):
            while True:
                packets = list(self.packets)
                for at_s, _, payload in packets[seen:]:
                    if at_s > since_s and _is_tone(ulaw_decode(payload), hz):
                        return at_s
                seen = len(packets)
                await asyncio.sleep(0.01)

    async def hears_sound(self, *, since_s: float, without_hz: float = 0.0, timeout_s: float = 20.0) -> None:
        """Wait until half a second since a moment was loud, and (without_hz) not that tone. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                latest = [payload for at_s, _, payload in self.packets if at_s >= since_s][-_LOUD_PACKETS:]
                sound = ulaw_decode(b"".join(latest)) if latest else np.zeros(1, np.int16)
                tones = sum(_is_tone(ulaw_decode(payload), without_hz) for payload in latest) if without_hz else 0
                loud = float(np.sqrt((sound.astype(float) ** 2).mean())) > _LOUD_RMS
                if len(latest) == _LOUD_PACKETS and loud and tones < _LOUD_PACKETS / 10:
                    return
                await asyncio.sleep(0.05)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        sequence, stamp, event_stamp, was_event = 0, 0, 0, False
        due_s = time.monotonic()
        while True:
            sequence += 1
            stamp += FRAME_SAMPLES
            # Never two frames at once: a telephone does not, and the exchange takes keys in a burst for one key.
            due_s = max(due_s + FRAME_S, time.monotonic() - FRAME_S / 4)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            if self._far_rtp is None:
                continue
            payload, is_event, let_go = self._next(sequence)
            if is_event and not was_event:
                event_stamp = stamp
            marker = 0x80 if is_event and not was_event else 0
            kind = (_EVENT_TYPE if is_event else 0) | marker
            head = struct.pack(">BBHII", 0x80, kind, sequence & 0xFFFF, event_stamp if is_event else stamp, 77)
            self._rtp.send(head + payload, self._far_rtp)
            was_event = is_event
            if let_go and self._pressed and not self._pressed.done():
                self._pressed.set_result(time.monotonic())

    def _next(self, sequence: int) -> tuple[bytes, bool, bool]:
        if self._events:
            return self._events.popleft()
        if self.speak is None:
            return _SILENCE, False, False
        at = sequence * FRAME_SAMPLES % (len(self.speak) - FRAME_SAMPLES)
        return ulaw_encode(self.speak[at : at + FRAME_SAMPLES]), False, False

    async def _read(self, inbox: "asyncio.Queue[bytes]") -> None:
        while True:
            head, _, body = (await inbox.get()).decode().partition("\r\n\r\n")
            first = head.split("\r\n", 1)[0]
            if not first.startswith("SIP/2.0"):
                self._reply_ok(head)
                if first.startswith("BYE"):
                    self.ended_s = time.monotonic()
                    self._over.set()
                continue
            status, method = int(first.split()[1]), _header(head, "CSeq").split()[1]
            if (port := re.search(r"m=audio (\d+)", body)) is not None:
                self._far_rtp = ("127.0.0.1", int(port[1]))
            if status >= 200 and method == "INVITE":
                self._final(status, head)
            if method == "BYE" and status >= 200:
                self._over.set()

    def _final(self, status: int, head: str) -> None:
        self._to_tag = _header(head, "To").partition(">")[2]
        self.final_status = status
        self._branch = f"z9hG4bK{secrets.token_hex(6)}" if status == 200 else self._branch
        self._send("ACK")
        if status == 200 and self.answered_s is None:
            self.answered_s = time.monotonic()
        elif status != 200:
            self._over.set()
        self._answered.set()

    def _offer(self) -> str:
        port, events = self._rtp.port, self._keys is Keys.RFC4733
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0{f' {_EVENT_TYPE}' if events else ''}\r\na=rtpmap:0 PCMU/8000\r\n"
            + (f"a=rtpmap:{_EVENT_TYPE} telephone-event/8000\r\na=fmtp:{_EVENT_TYPE} 0-15\r\n" if events else "")
            + "a=ptime:20\r\na=sendrecv\r\n"
        )

    def _send(self, method: str, body: str = "", kind: str = "application/sdp") -> None:
        host, port = self._sip.get_extra_info("sockname")
        uri = f"sip:{self._number}@{self._server[0]}:{self._server[1]}"
        cseq = 1 if method in ("INVITE", "ACK") else self._cseq
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch={self._branch}",
            f"From: <sip:{self._caller}@{host}:{port}>;tag={self._call_id[:6]}",
            f"To: <{uri}>{self._to_tag}",
            f"Call-ID: {self._call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self._caller}@{host}:{port}>",
            "Max-Forwards: 70",
            *([f"Content-Type: {kind}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _reply_ok(self, head: str) -> None:
        kept = [f"{name}: {_header(head, name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        self._sip.sendto(("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n").encode())


def tone(hz: float, seconds: float, peak: int = 8000) -> NDArray[np.int16]:
    """A sine: (n,) int16 at 8 kHz."""
    return np.asarray(peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * 8000)) / 8000), np.int16)


def _is_tone(frame: NDArray[np.int16], hz: float) -> bool:
    """Whether most of a frame's power is at one frequency (20 ms: 50 Hz wide)."""
    sound = frame.astype(float)
    power = float((sound**2).sum())
    if power < len(sound) * 100**2:
        return False
    turns = np.exp(-2j * np.pi * hz * np.arange(len(sound)) / 8000)
    return abs(complex((sound * turns).sum())) ** 2 * 2 / len(sound) > 0.6 * power


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found is not None else ""
