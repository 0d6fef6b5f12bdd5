"""Asterisk's AudioSocket: messages over one TCP connection per channel, and the link and listener that speak it.

A message is one byte of kind, two bytes of payload length (big endian) and the payload. Asterisk connects, sends the
UUID of its channel (kind 0x01, 16 bytes), then signed linear audio of 8 kHz (kind 0x10, usually 320 bytes) until the
channel ends. Source: Asterisk 22, res_audiosocket.h; what a real one does is in docs/media.md.

Sockets are drained by hand, once per 20 ms tick, instead of by asyncio: see `media.tap_hub` for the measurement.
"""

import errno
import socket
import uuid
from collections.abc import Iterator
from enum import IntEnum

from media.frames import FRAME_BYTES, SILENCE_FRAME

HEADER_BYTES = 3
MAX_PAYLOAD_BYTES = 3200
"""200 ms. Asterisk passes the far end's packet time on (10 to 60 ms are seen); anything longer is not audio."""
AUDIO_HEADER = bytes((0x10, FRAME_BYTES >> 8, FRAME_BYTES & 0xFF))
AUDIO_MESSAGE_BYTES = HEADER_BYTES + FRAME_BYTES
SILENCE_MESSAGE = AUDIO_HEADER + SILENCE_FRAME
RECEIVE_BYTES = 16 * AUDIO_MESSAGE_BYTES
"""One link's receive buffer: 320 ms of frames, or one message of the greatest length and the start of another."""
HANG_UP_MESSAGE = bytes((0x00, 0, 0))


class Kind(IntEnum):
    """What a message carries."""

    HANG_UP = 0x00
    UUID = 0x01
    DTMF = 0x03
    AUDIO = 0x10
    ERROR = 0xFF


class AudioSocketError(Exception):
    """The other side does not speak AudioSocket (or not at 8 kHz): its connection is closed, nothing else suffers."""


def messages(data: memoryview) -> Iterator[tuple[Kind, memoryview, int]]:
    """Every whole message in `data`: kind, payload (a view), and the offset of what follows it.

    Raises AudioSocketError for an unknown kind, a payload longer than `MAX_PAYLOAD_BYTES` or audio of odd length.
    """
    offset = 0
    while len(data) - offset >= HEADER_BYTES:
        try:
            kind = Kind(data[offset])
        except ValueError:
            raise AudioSocketError(f"message kind {data[offset]:#04x} is unknown") from None
        length = (data[offset + 1] << 8) | data[offset + 2]
        if length > MAX_PAYLOAD_BYTES:
            raise AudioSocketError(f"a payload of {length} bytes is longer than {MAX_PAYLOAD_BYTES}")
        if kind is Kind.AUDIO and length % 2:
            raise AudioSocketError(f"audio of {length} bytes is not made of 16 bit samples")
        if len(data) - offset - HEADER_BYTES < length:
            return
        payload = data[offset + HEADER_BYTES : offset + HEADER_BYTES + length]
        offset += HEADER_BYTES + length
        yield kind, payload, offset


def tap_id_of(payload: memoryview) -> str:
    """The UUID message's payload as canonical text. Raises AudioSocketError when it is not 16 bytes."""
    if len(payload) != 16:
        raise AudioSocketError(f"a UUID has 16 bytes, not {len(payload)}")
    return str(uuid.UUID(bytes=bytes(payload)))


class AudioSocketLink:
    """One non-blocking connection: a receive buffer that may hold the start of a message, and what is still unsent."""

    __slots__ = ("_unsent", "buffer", "fill", "opened_at_s", "rest", "sock")

    def __init__(self, sock: socket.socket, opened_at_s: float) -> None:
        """Take over a connected socket; opened_at_s: the monotonic time it was accepted."""
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.opened_at_s = opened_at_s
        self.buffer = memoryview(bytearray(RECEIVE_BYTES))
        self.fill = 0
        self.rest = bytearray()  # audio that does not make a whole 20 ms frame yet
        self._unsent = b""

    def move_to(self, buffer: memoryview) -> None:
        """Receive into `buffer` (`RECEIVE_BYTES` long) from now on."""
        buffer[: self.fill] = self.buffer[: self.fill]
        self.buffer = buffer

    def receive(self) -> int:
        """Read what is there behind what the buffer holds: bytes read, 0 when nothing waits, -1 when the link ended."""
        try:
            count = self.sock.recv_into(self.buffer[self.fill :])
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        if count == 0:
            return -1
        self.fill += count
        return count

    def consume(self, count: int) -> None:
        """Forget the first `count` bytes of the buffer."""
        left = self.fill - count
        if left and count:
            self.buffer[:left] = bytes(self.buffer[count : self.fill])
        self.fill = left

    def send_silence(self) -> bool:
        """Send one frame of silence, or what is left of the last one. False when the link ended."""
        data = self._unsent or SILENCE_MESSAGE
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._unsent = data[sent:] if sent < len(data) else b""
        return True

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()


def listen(host: str, port: int) -> socket.socket:
    """Listen without blocking. Port 0 takes a free one. Raises OSError that names address and remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(512)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        known = "another program listens there" if error.errno == errno.EADDRINUSE else error.strerror
        remedy = "change media.audiosocket_port (0 = any free one)"
        text = f"the AudioSocket server cannot listen on {host}:{port}: {known}; {remedy}"
        raise OSError(error.errno, text) from error
    return sock
