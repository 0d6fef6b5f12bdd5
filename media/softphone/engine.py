"""pjsua2 as the robots need it: one endpoint per process, no sound card, one robot per SIP account.

pjsua2's own thread plays and records in C; Python only looks at a few samples of each received frame.
"""

import ctypes
import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pjsua2 as pj

from media.frames import FRAME_MS, SAMPLE_RATE_HZ
from media.softphone.messages import ROBOTS_PER_WORKER, EventKind, RobotEvent, RobotSpec
from media.soundfiles import save
from media.tones import silence

Emit = Callable[[RobotEvent], None]
_TURN_PAUSE_S = 0.6


class Engine:
    """The pjsua2 endpoint of this process."""

    def __init__(self, log_level: int = 0) -> None:
        """Start SIP on a free loopback port and the media clock."""
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.endpoint.libInit(self._config(log_level))
        transport = pj.TransportConfig()
        transport.port = 0
        transport.boundAddress = "127.0.0.1"
        number = self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            priority = {"PCMA/8000/1": 255, "PCMU/8000/1": 254}.get(codec.codecId, 0)
            self.endpoint.codecSetPriority(codec.codecId, priority)
        self.address = str(self.endpoint.transportGetInfo(number).localName)
        self.quiet = self._silence_player()

    @staticmethod
    def _config(log_level: int) -> pj.EpConfig:
        config = pj.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = log_level
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = ROBOTS_PER_WORKER
        media = config.medConfig
        media.clockRate = media.sndClockRate = SAMPLE_RATE_HZ
        media.channelCount = 1
        media.audioFramePtime = FRAME_MS
        media.noVad = True  # a leg without RTP would be hung up by the exchange
        media.ecTailLen = 0
        media.sndAutoCloseTime = -1
        media.jbInit = media.jbMinPre = 0  # what is measured is the call's delay, not the jitter buffer's
        media.jbMaxPre = 40
        media.jbMax = 200
        return config

    def _silence_player(self) -> pj.AudioMediaPlayer:
        """Feeds every call, so that RTP flows also while nobody speaks."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "silence.wav"
            save(path, silence(1.0))
            return player(str(path))

    def poll(self, timeout_ms: int) -> None:
        """Handle SIP for at most so long; every callback about calls and accounts comes from here."""
        self.endpoint.libHandleEvents(timeout_ms)

    def close(self) -> None:
        """End what is left. All calls and ports must be gone."""
        del self.quiet
        gc.collect()
        self.endpoint.libDestroy()


def player(path: str) -> pj.AudioMediaPlayer:
    """A player that repeats a WAV file."""
    made = pj.AudioMediaPlayer()
    made.createPlayer(path, 0)
    return made


def frame_bytes(vector: pj.ByteVector, size: int) -> bytes:
    """The first `size` bytes of a vector: 2 us where pjsua2's own ways take 200 to 400 us, 50 times a second."""
    if not _FAST:
        return bytes(vector)[:size]
    return ctypes.string_at(ctypes.c_void_p.from_address(int(vector.this)).value or 0, size) if size else b""


def _vector_starts_with_its_data() -> bool:
    """Whether a std::vector begins with the pointer to its data here (libstdc++ and libc++ do so)."""
    content = bytes(range(64))
    vector = pj.ByteVector(content)
    where = ctypes.c_void_p.from_address(int(vector.this))
    ends = ctypes.c_void_p.from_address(int(vector.this) + ctypes.sizeof(ctypes.c_void_p))
    return bool(where.value and ends.value == where.value + 64 and ctypes.string_at(where.value, 64) == content)


_FAST = _vector_starts_with_its_data()


class Ear(pj.AudioMediaPort):  # type: ignore[misc]  # pjsua2 is untyped
    """Hears what comes out of the phone and remembers when sound began after a silence. Runs on the media thread."""

    def __init__(self, silence_s: float, sound_peak: int) -> None:
        """Listen for samples of at least `sound_peak` after `silence_s` seconds without."""
        super().__init__()
        self.silence_s = silence_s
        self.sound_peak = sound_peak
        self.last_sound_s = 0.0
        self.beginnings: list[float] = []
        self.frames = 0
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, SAMPLE_RATE_HZ, 1, FRAME_MS * 1000, 16)
        self.createPort("ear", form)

    def onFrameReceived(self, frame: pj.MediaFrame) -> None:
        """Look at one frame of 20 ms."""
        now_s = time.monotonic()
        self.frames += 1
        samples = np.frombuffer(frame_bytes(frame.buf, frame.size), np.int16)
        if samples.size and max(int(samples.max()), -int(samples.min())) >= self.sound_peak:
            if now_s - self.last_sound_s >= self.silence_s:
                self.beginnings.append(now_s)
            self.last_sound_s = now_s

    def taken(self) -> list[float]:
        """The beginnings since the last time, oldest first."""
        beginnings = []
        while self.beginnings:
            beginnings.append(self.beginnings.pop(0))
        return beginnings


class RobotCall(pj.Call):  # type: ignore[misc]
    """The robot's one call, or one that it turned down.

    Whoever holds it must let go while it is told that it ended. pjsua gives its number to the next call (of any robot
    of the process) at once, and an object that goes later hangs up whatever has that number then.
    """

    def __init__(self, robot: "Robot", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(robot, call_id)
        self.robot = robot

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        """Tell when the call is gone."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.robot.on_ended(self, info.lastStatusCode, info.lastReason)

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:
        """Connect ears and mouth as soon as there is audio."""
        info = self.getInfo()  # has to outlive the loop: its media vector is freed with it
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.robot.on_audio(self.getAudioMedia(index))


class Robot(pj.Account):  # type: ignore[misc]
    """One account and its call. Everything but `Ear` runs on the main thread."""

    def __init__(self, spec: RobotSpec, engine: Engine, emit: Emit) -> None:
        """Create the account; it registers by itself when the spec names a registrar."""
        super().__init__()
        self.spec = spec
        self.engine = engine
        self.call: RobotCall | None = None
        self.leaving: list[RobotCall] = []
        self.audio: pj.AudioMedia | None = None
        self.ear: Ear | None = None
        self.voice: pj.AudioMediaPlayer | None = None
        self.recorder: pj.AudioMediaRecorder | None = None
        self._emit = emit
        self._speaking_until_s: float | None = None
        self._heard_s = 0.0
        self._recordings = 0
        self.create(self._account(spec))

    def _account(self, spec: RobotSpec) -> pj.AccountConfig:
        config = pj.AccountConfig()
        config.idUri = f"sip:{spec.name}@{spec.registrar or self.engine.address}"
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        config.mediaConfig.transportConfig.port = 0
        if spec.registrar:
            config.regConfig.registrarUri = f"sip:{spec.registrar}"
            config.regConfig.timeoutSec = 120
            config.regConfig.retryIntervalSec = 2
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", spec.name, 0, spec.secret))
        return config

    def tell(self, kind: EventKind, at_s: float | None = None, status: int = 0, text: str = "") -> None:
        """Report an event of now, or of `at_s`."""
        self._emit(RobotEvent(kind, self.spec.name, time.monotonic() if at_s is None else at_s, status, text))

    def onRegState(self, prm: pj.OnRegStateParam) -> None:
        """Tell how registering went."""
        if prm.code != 200:
            self.tell(EventKind.REGISTRATION_FAILED, None, prm.code, prm.reason)
        elif self.getInfo().regIsActive:
            self.tell(EventKind.REGISTERED, None, prm.code)

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        """Answer at once; a second call gets 486, but a new standing leg takes the place of the old one.

        The exchange dials a standing leg again only when it has none: it crashed, and the old call got no BYE.
        """
        answer = pj.CallOpParam()
        if self.call is not None and "X-Auto-Answer" in prm.rdata.wholeMsg:
            self._replace_leg(self.call)
        call = RobotCall(self, prm.callId)
        if self.call is not None or not self.spec.auto_answer:
            self.leaving.append(call)
            answer.statusCode = pj.PJSIP_SC_BUSY_HERE
            call.answer(answer)
            return
        self.call = call
        self.tell(EventKind.INCOMING)
        answer.statusCode = pj.PJSIP_SC_OK
        call.answer(answer)

    def _replace_leg(self, old: RobotCall) -> None:
        old.hangup(pj.CallOpParam())
        if self.call is old:  # its end is told later: a BYE that nobody answers takes half a minute
            self.leaving.append(old)
            self.on_down(0, "replaced by a new standing leg")

    def place_call(self, uri: str) -> None:
        """Call somebody. Raises RuntimeError while there is a call, pj.Error when the URI is none."""
        if self.call is not None:
            raise RuntimeError("the robot is on a call")
        call = RobotCall(self)
        call.makeCall(uri, pj.CallOpParam(True))
        self.call = call

    def hang_up(self) -> None:
        """End the call, if there is one."""
        if self.call is not None:
            self.call.hangup(pj.CallOpParam())

    def on_audio(self, audio: pj.AudioMedia) -> None:
        """The call has audio (again): connect everything."""
        first = self.ear is None
        self.audio = audio
        self.engine.quiet.startTransmit(audio)
        if self.ear is None:
            self.ear = Ear(self.spec.silence_s, self.spec.sound_peak)
        audio.startTransmit(self.ear)
        if self.spec.record_file and self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self._next_record_file())
        if self.recorder is not None:
            audio.startTransmit(self.recorder)
        if first:
            self.tell(EventKind.UP)
            if self.spec.voice_file:
                self.speak(self.spec.voice_file, loop=not self.spec.turns)

    def _next_record_file(self) -> str:
        """The spec's file; for the second and later calls of a robot NAME-2.wav, NAME-3.wav."""
        self._recordings += 1
        path = Path(self.spec.record_file)
        return str(path if self._recordings == 1 else path.with_stem(f"{path.stem}-{self._recordings}"))

    def speak(self, path: str, loop: bool = True) -> None:
        """Say a WAV file over and over, or (not `loop`) each time the far end pauses."""
        self._silence_voice()
        self.spec = replace(self.spec, voice_file=path, turns=not loop)
        self.voice = player(path)
        if loop and self.audio is not None:
            self.voice.startTransmit(self.audio)

    def tick(self) -> None:
        """Report what the ear heard, and take the turn to speak."""
        if self.ear is None:
            return
        for at_s in self.ear.taken():
            self.tell(EventKind.FIRST_AUDIO, at_s)
        if self.spec.turns and self.voice is not None and self.audio is not None:
            self._take_turn(time.monotonic(), self.ear, self.voice, self.audio)

    def _take_turn(self, now_s: float, ear: Ear, voice: pj.AudioMediaPlayer, audio: pj.AudioMedia) -> None:
        if self._speaking_until_s is not None:
            if now_s >= self._speaking_until_s:
                voice.stopTransmit(audio)
                self._speaking_until_s = None
                self._heard_s = ear.last_sound_s
        elif ear.last_sound_s > self._heard_s and now_s - ear.last_sound_s >= _TURN_PAUSE_S:
            voice.setPos(0)
            voice.startTransmit(audio)
            info = voice.getInfo()
            self._speaking_until_s = now_s + info.sizeSamples / info.payloadBitsPerSample * 16 / SAMPLE_RATE_HZ

    def on_ended(self, call: RobotCall, status: int, reason: str) -> None:
        """A call of ours is gone."""
        if self.call is call:
            self.on_down(status, reason)
        else:
            self.leaving = [each for each in self.leaving if each is not call]

    def on_down(self, status: int, reason: str) -> None:
        """The robot is free again: let everything go (the recording is complete then)."""
        self._silence_voice()
        self.call = self.ear = self.recorder = self.audio = None
        self.tell(EventKind.DOWN, None, status, reason)

    def close(self) -> None:
        """Let go of everything before the endpoint ends: a call that is left would abort the process."""
        self._silence_voice()
        self.ear = self.recorder = self.audio = self.call = None
        self.leaving.clear()
        self.shutdown()

    def _silence_voice(self) -> None:
        self.voice = None
        self._speaking_until_s = None
