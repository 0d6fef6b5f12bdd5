"""Trunks that refuse or cannot be reached, and a disk for recordings that is full and runs full, on real Asterisk."""

import asyncio
import errno
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from campaigns.attempt import Attempt
from campaigns.lead import Lead
from campaigns.outcome import Outcome
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from storage.port import RecordingState, StoredRecording
from telephony.asterisk import ports
from tests.support.live_house import LiveHouse, campaign_text, live_house
from tests.support.sipp_far_end import sipp_far_end
from tests.support.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TRUNK = """
[[trunks]]
name = "{name}"
host = "127.0.0.1"
port = {port}
qualify_s = {qualify_s}
"""
_RECORDINGS = """
[media]
recordings = "{folder}"
min_free_mb = 1
"""
_ANSWERS = {"unauthorised": "401 Unauthorized", "forbidden": "403 Forbidden"}
_TRUNKS = (*_ANSWERS, "nobody", "seen-down")


@dataclass
class BadWorld:
    """A node with good and bad trunks, and a small disk of its own for recordings, which has no room at first."""

    house: LiveHouse
    recordings: Path

    async def over(self, trunk: str, leads: int = 9) -> list[Lead]:
        """A campaign over one trunk, until the node says what is wrong with it."""
        text = campaign_text(trunk, amd=False).replace('["network"]', f'["{trunk}"]')
        first = 10 * _TRUNKS.index(trunk)  # a number is called so often a day
        numbers = [DemoNumber.of(Behaviour.BUSY, serial=first + serial) for serial in range(leads)]
        await self.house.campaign(text, numbers)
        try:
            await until(lambda: self.said(trunk) != [], 30.0)
        except TimeoutError:
            attempts = await self.house.house.stores.attempts.list(trunk, 1000)
            moves = [await self.house.house.stores.attempts.moves(each.attempt_id) for each in attempts]
            raise AssertionError(f"nothing was said of {trunk}: {[own[-1] for own in moves]}") from None
        await until(lambda: self.house.house.engine.runs[trunk].idle, 20.0)
        await self.house.house.engine.stop(trunk)
        return await self.house.house.stores.leads.list(trunk, 1000)

    def said(self, trunk: str) -> list[str]:
        """What the operator was told of a trunk."""
        return [words for words in self.house.troubles() if f"trunk {trunk} " in words]

    def said_of_recordings(self) -> list[str]:
        """What the operator was told of recordings."""
        return [words for words in self.house.troubles() if words.startswith("recordings:")]

    async def person(self, name: str, serial: int, stay: int) -> Attempt:
        """A campaign over one person; the attempt, which ended in a conversation."""
        number = DemoNumber.of(Behaviour.PERSON_TWO_WORDS, serial=serial, stay=stay)
        await self.house.campaign(campaign_text(name), [number])
        (attempt,) = await self.house.dialled(name, 1)
        await self.house.nobody_busy()
        assert attempt.outcome is Outcome.BRIDGED
        (lead,) = await self.house.house.stores.leads.list(name, 10)
        assert lead.state.value == "closed"
        return attempt

    async def row(self, attempt: Attempt, state: RecordingState, *, finished: bool = False) -> StoredRecording:
        """The row of a conversation's recording once it is in this state; finished: and has a length."""
        found: list[StoredRecording] = []

        async def there() -> bool:
            found[:] = await self.house.house.stores.recordings.of_attempt(attempt.attempt_id)
            return [row.state for row in found] == [state] and (found[0].duration_s is not None or not finished)

        await until(there, 20.0)
        return found[0]


def fill(folder: Path) -> Path:
    """Use up a disk to its last byte; the file that does."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return path


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of half a megabyte."""
    with tempfile.TemporaryDirectory(prefix="timbre-disk-") as folder:
        mount("-t", "tmpfs", "-o", "size=512k,mode=755", "none", folder)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def mount(*options: str) -> None:
    """Only root can: tests run as root, or fail here."""
    subprocess.run(["mount", *options], check=True)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(telephone_network: Network) -> AsyncIterator[BadWorld]:
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(small_disk())
        toml = _RECORDINGS.format(folder=disk)
        for name, status in _ANSWERS.items():
            address = await stack.enter_async_context(sipp_far_end("refuse", status=status))
            toml += _TRUNK.format(name=name, port=address.rpartition(":")[2], qualify_s=0)
        toml += _TRUNK.format(name="nobody", port=ports.free_udp_port(), qualify_s=0)
        toml += _TRUNK.format(name="seen-down", port=ports.free_udp_port(), qualify_s=1)
        yield BadWorld(await stack.enter_async_context(live_house(telephone_network, 1, extra_toml=toml)), disk)


@pytest.mark.parametrize("trunk", _TRUNKS)
async def test_given_a_trunk_that_refuses_or_is_out_of_reach_then_one_message_says_so_and_no_lead_is_used_up(
    world: BadWorld, trunk: str
) -> None:
    leads = await world.over(trunk)
    attempts = await world.house.house.stores.attempts.list(trunk, 1000)
    outcomes = {attempt.outcome for attempt in attempts}
    assert len(attempts) >= 5
    assert outcomes <= {Outcome.FAILED, Outcome.REJECTED, Outcome.CONGESTION}, outcomes
    (said,) = world.said(trunk)
    assert "username and secret in the settings" in said
    assert {lead.state.value for lead in leads} <= {"new", "retry"}
    assert len(leads) == 9
    assert await world.house.leaks() == []


async def test_given_no_room_for_recordings_then_conversations_go_on_and_one_message_says_so(world: BadWorld) -> None:
    attempts = [await world.person(f"no-room-{index}", serial=index, stay=0) for index in range(2)]
    (said,) = world.said_of_recordings()
    assert "free some disk or move media.recordings_folder; calls go on without recording" in said
    for attempt in attempts:
        assert "not recorded" in (await world.row(attempt, RecordingState.FAILED)).detail
    assert list(world.recordings.glob("*")) == []


async def test_given_the_disk_runs_full_in_a_conversation_then_it_goes_on_and_its_recording_is_marked_as_failed(
    world: BadWorld,
) -> None:
    told = len(world.said_of_recordings())
    await asyncio.to_thread(mount, "-o", "remount,size=8m", str(world.recordings))
    number = DemoNumber.of(Behaviour.PERSON_TWO_WORDS, serial=10, stay=3)
    await world.house.campaign(campaign_text("runs-full"), [number])
    await until(lambda: any(path.stat().st_size > 32_000 for path in world.recordings.glob("*.raw")), 30.0)
    filler = fill(world.recordings)
    (cut,) = await world.house.dialled("runs-full", 1)
    assert cut.outcome is Outcome.BRIDGED
    (talked,) = [move for move in await world.house.house.stores.attempts.moves(cut.attempt_id) if move.outcome]
    assert float(dict(talked.detail)["talk_s"]) > 6.0, "the person stays for 8 s"
    await world.row(cut, RecordingState.FAILED)
    unrecorded = await world.person("still-full", serial=11, stay=0)
    assert "not recorded" in (await world.row(unrecorded, RecordingState.FAILED)).detail
    again, full = world.said_of_recordings()[told:]
    assert "conversations are recorded again" in again
    assert "conversations are not recorded until there is room" in full

    filler.unlink()
    whole = await world.person("room-again", serial=12, stay=1)
    assert (await world.row(whole, RecordingState.COMPLETE)).detail == ""
    assert "conversations are recorded again" in world.said_of_recordings()[told + 2]
    await until(lambda: (world.recordings / f"{cut.attempt_id}.flac").exists(), 10.0)
    kept = await world.row(cut, RecordingState.FAILED, finished=True)
    assert kept.duration_s is not None and 0.5 < kept.duration_s < 5.0
    assert "the disk was full" in kept.detail
    assert len(world.said_of_recordings()) == told + 3
    assert await world.house.leaks() == []
