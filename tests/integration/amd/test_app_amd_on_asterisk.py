"""The rewrite of AMD() against the application itself: the same calls, the same status and cause."""

import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from amd.app_amd import app_amd
from telephony.asterisk.process import AsteriskInstance
from tests.support.amd_sounds import call, speech, tones
from tests.support.servers import AsteriskFactory, scratch_dir
from tests.support.until import until

pytestmark = pytest.mark.asterisk

DIALPLAN = """
[amd-far]
exten => _X.,1,Answer()
 same => n,Playback({folder}/${{EXTEN}})
 same => n,Wait(8)

[amd-judge]
exten => _X.,1,AMD()
 same => n,Log(NOTICE,amdcheck ${{EXTEN}} ${{AMDSTATUS}} ${{CUT(AMDCAUSE,-,1)}})
 same => n,Hangup()
"""


def _calls() -> list[NDArray[np.int16]]:
    """Far ends of every kind, at levels well off the gate of 256 so that a frame's phase does not matter."""
    gap = np.zeros(4000)
    return [
        call(speech(0.4), lead_s=0.4, noise_db=-80),
        call(speech(0.6, seed=2), lead_s=0.9, noise_db=-80),
        call(speech(0.3), gap, speech(0.3, seed=4), lead_s=0.5, noise_db=-80),
        call(tones([((300, 500), 2.5)]), lead_s=0.3, noise_db=-80),
        call(tones([((300, 500), 1.2), ((), 0.5), ((300,), 1.2)]), lead_s=0.2, noise_db=-80),
        call(tones([((1000,), 0.4)]), lead_s=0.5, noise_db=-80),
        call(tones([((425,), 1.5), ((), 3.0)]), lead_s=0.5, noise_db=-80),
        call(noise_db=-80),
        call(*[part for _ in range(4) for part in (tones([((700,), 0.2)]), np.zeros(1600))], lead_s=0.4, noise_db=-80),
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Asterisk's user may read."""
    with scratch_dir("timbre-amd-") as path:
        path.chmod(0o755)
        yield path


async def test_given_the_same_calls_then_the_rewrite_says_what_the_application_says(
    asterisk_instance: AsteriskFactory, folder: Path
) -> None:
    calls = _calls()
    for number, samples in enumerate(calls):
        file = folder / f"1{number}.sln"
        file.write_bytes(samples.astype("<i2").tobytes())
        file.chmod(0o644)
    instance = asterisk_instance.make(extra_dialplan=DIALPLAN.format(folder=folder))
    await instance.start()
    await _originate(instance, len(calls))

    def told() -> dict[int, tuple[str, str]]:
        log = (instance.settings.log_dir / "messages.log").read_text(errors="replace")
        found = re.findall(r"amdcheck 1(\d+) (\w+) (\w+)", log)
        return {int(number): (status, cause) for number, status, cause in found}

    await until(lambda: len(told()) == len(calls), timeout_s=30)
    ours = {number: app_amd(samples) for number, samples in enumerate(calls)}
    assert told() == {number: (result.status.value, result.cause) for number, result in ours.items()}


async def _originate(instance: AsteriskInstance, count: int) -> None:
    """Let every far end play to an AMD() of its own, all at once."""
    secrets = instance.credentials
    login = aiohttp.encode_basic_auth(secrets.ari_user, secrets.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": login}, raise_for_status=True) as session:
        for number in range(count):
            wanted = {"endpoint": f"Local/1{number}@amd-far/n", "context": "amd-judge", "extension": f"1{number}"}
            # Left to itself a Local channel takes 192 kHz, and the way there and back halves the level.
            await session.post(f"{instance.ari_url}/channels", params=wanted | {"priority": "1", "formats": "slin"})
