"""The rewrite of AMD() beside the application itself, on calls built from real recordings.

python -m benchmarks.amd.real_app [--data CLIPS] [--calls N] [--vicidial] [--json OUT]

Each call is played to an AMD() of a private Asterisk over a Local channel; its AMDSTATUS and cause are compared with
what `amd.app_amd` says of the same samples. Without --data the calls are built from what ships.
"""

import argparse
import asyncio
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import aiohttp

from amd.app_amd import VICIDIAL, AppAmdSettings, app_amd
from amd.evaluate import clopper_pearson
from amd.training.calls import LINES, Call
from amd.training.clips import read_clips
from amd.training.workshop import background_of, test_calls
from benchmarks.amd.live import shipped_calls
from telephony.asterisk import install, ports
from telephony.asterisk.process import AsteriskInstance
from telephony.asterisk.settings import AsteriskSettings

_DIALPLAN = """
[amd-far]
exten => _X.,1,Answer()
 same => n,Playback({folder}/${{EXTEN}})
 same => n,Wait(8)

[amd-judge]
exten => _X.,1,AMD({parameters})
 same => n,Log(NOTICE,amdcheck ${{EXTEN}} ${{AMDSTATUS}} ${{CUT(AMDCAUSE,-,1)}})
 same => n,Hangup()
"""
_AT_ONCE = 20
_PATIENCE_S = 30.0


async def real(calls: Sequence[Call], settings: AppAmdSettings | None) -> dict[int, tuple[str, str]]:
    """What the application says of each call: (AMDSTATUS, first word of AMDCAUSE)."""
    directory = Path(tempfile.mkdtemp(prefix="timbre-amd-"))
    folder = directory / "calls"
    folder.mkdir()
    for path in (directory, folder):
        path.chmod(0o755)
    for number, call in enumerate(calls):
        file = folder / f"1{number:04}.sln"
        file.write_bytes(call.samples.astype("<i2").tobytes())
        file.chmod(0o644)
    parameters = "" if settings is None else ",".join(map(str, astuple(settings)[:8]))
    instance = AsteriskInstance(
        AsteriskSettings(
            directory=directory,
            http_port=ports.free_tcp_port(),
            ami_port=ports.free_tcp_port(),
            sip_port=ports.free_udp_port(),
            extra_dialplan=_DIALPLAN.format(folder=folder, parameters=parameters),
        ),
        await asyncio.to_thread(install.require),
    )
    try:
        await instance.start()
        return await _judge_all(instance, len(calls))
    finally:
        await instance.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _judge_all(instance: AsteriskInstance, count: int) -> dict[int, tuple[str, str]]:
    secrets = instance.credentials
    login = aiohttp.encode_basic_auth(secrets.ari_user, secrets.ari_password)
    log = instance.settings.log_dir / "messages.log"

    def told() -> dict[int, tuple[str, str]]:
        found = re.findall(r"amdcheck 1(\d{4}) (\w+) (\w+)", log.read_text(errors="replace"))
        return {int(number): (status, cause) for number, status, cause in found}

    async with aiohttp.ClientSession(headers={"Authorization": login}, raise_for_status=True) as session:
        for first in range(0, count, _AT_ONCE):
            last = min(first + _AT_ONCE, count)
            for number in range(first, last):
                wanted = {"endpoint": f"Local/1{number:04}@amd-far/n", "context": "amd-judge"}
                # Left to itself a Local channel takes 192 kHz, and the way there and back halves the level.
                wanted |= {"extension": f"1{number:04}", "priority": "1", "formats": "slin"}
                await session.post(f"{instance.ari_url}/channels", params=wanted)
            async with asyncio.timeout(_PATIENCE_S):
                while len(told()) < last:  # noqa: ASYNC110 - another process writes the log
                    await asyncio.sleep(0.1)
    return told()


def compare(
    calls: Sequence[Call], said: dict[int, tuple[str, str]], settings: AppAmdSettings | None
) -> dict[str, object]:
    """Agreement of status, and of status and cause, with every difference."""
    ours = [app_amd(call.samples, settings) for call in calls]
    differ = [
        {
            "call": number,
            "kind": f"{call.call_class.value} / {call.subset} / {call.line}",
            "application": said[number],
            "rewrite": (result.status.value, result.cause),
        }
        for number, (call, result) in enumerate(zip(calls, ours, strict=True))
        if said[number] != (result.status.value, result.cause)
    ]
    same = sum(said[number][0] == result.status.value for number, result in enumerate(ours))
    return {
        "calls": len(calls),
        "same status": same,
        "interval": clopper_pearson(same, len(calls)),
        "same status and cause": len(calls) - len(differ),
        "statuses of the application": dict(Counter(status for status, _ in said.values())),
        "differences": differ,
    }


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd.real_app", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder of clips with manifest.csv")
    parser.add_argument("--calls", type=int, default=90)
    parser.add_argument("--vicidial", action="store_true", help="VICIdial's parameters instead of the defaults")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    settings = VICIDIAL if options.vicidial else None
    if options.data is None:
        calls = shipped_calls(options.calls, options.seed)
    else:
        clips = read_clips(options.data)
        calls = test_calls(clips, background_of(clips), options.calls, options.seed, LINES.values())
    text = json.dumps(compare(calls, asyncio.run(real(calls, settings)), settings), indent=1)
    if options.json is not None:
        options.json.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
