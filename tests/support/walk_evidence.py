"""What is kept of a walked call with a finding: its sound, when each packet came, and what the flow said when.

A packet whose time stamp follows the one before by more than it lasts was not sent in time: the exchange had nothing
to send, or was late itself. One that follows in step but came late was held up on its way, or by this program.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from media import soundfiles
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from tests.support.walk_audio import Packet
from tests.support.walk_call import WalkedCall
from tests.support.walk_node import Late

_HELD_UP_S = 0.1


def gaps(packets: Sequence[Packet]) -> list[dict[str, float]]:
    """Every stretch of 0.1 s and more without a packet: when it began, how long it was, and what the stamps say of it.

    at_s, lasted_s: of arrival; unsent_s: sound that was never sent in between; held_up_s: what came late in step.
    """
    found = []
    for before, after in pairwise(packets):
        lasted_s = after[0] - before[0]
        unsent_s = ((after[1] - before[1]) % 2**32 - FRAME_SAMPLES) / SAMPLE_RATE_HZ
        if lasted_s >= _HELD_UP_S:
            late_s = lasted_s - FRAME_SAMPLES / SAMPLE_RATE_HZ - unsent_s
            found.append({"at_s": before[0], "lasted_s": lasted_s, "unsent_s": unsent_s, "held_up_s": late_s})
    return found


def keep(calls: Iterable[WalkedCall], late: Sequence[Late], folder: Path) -> int:
    """Write down every call with a finding; how many. Blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for call in calls:
        if not call.faults or call.heard is None:
            continue
        count += 1
        name = f"{call.flow.replace('/', '-')}-{call.name}"
        soundfiles.save(folder / f"{name}.wav", call.heard.samples)
        (folder / f"{name}.json").write_text(json.dumps(told(call, late), indent=1, ensure_ascii=False) + "\n")
    return count


def told(call: WalkedCall, late: Sequence[Late]) -> dict[str, object]:
    """The evidence of one call; times in seconds after its first packet."""
    zero = call.heard.began_s if call.heard else 0.0
    said = [
        {"at_s": s.began_s - zero, "until_s": (s.ended_s or 0.0) - zero, "how": str(s.how), "announced": s.announced,
         "words": " ".join(str(part.value) for part in s.parts if not part.private)}
        for s in call.watch.said
    ]  # fmt: skip
    return {
        "call": call.name, "keys": call.keys, "faults": call.faults, "said": said,
        "turns": [{"at_s": turn.at_s - zero, "callers": turn.callers} for turn in call.watch.turns],
        "gaps": [gap | {"at_s": gap["at_s"] - zero} for gap in gaps(call.packets)],
        "loop_late": [[each.at_s - zero, each.by_s, each.worked_s] for each in late if zero <= each.at_s <= call.end_s],
    }  # fmt: skip
