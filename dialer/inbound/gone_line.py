"""`ivr.line.CallerLine` of a caller who is gone: what a flow had set going can be finished, nobody can be spoken to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NoReturn

from ivr.line import (
    CallFacts,
    KeyRequest,
    Keys,
    Played,
    Queued,
    QueueOrder,
    Recorded,
    RecordRequest,
    TransferOrder,
    Transferred,
)
from ivr.values import CallerGone
from storage.calls import StoredCall


class GoneLine:
    """Whoever plays, asks or transfers learns that the caller is gone."""

    def __init__(self, stored: StoredCall) -> None:
        """The line of a call that is over."""
        self._facts = CallFacts(stored.call_id, stored.did, stored.caller, stored.language)

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        return self._facts

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        """Raises CallerGone."""
        self._gone()

    async def keys(self, request: KeyRequest) -> Keys:
        """Raises CallerGone."""
        self._gone()

    async def forget_keys(self) -> None:
        """Nothing was typed."""

    def private(self) -> AbstractAsyncContextManager[None]:
        """Nothing is recorded."""
        return _quiet()

    async def record(self, request: RecordRequest) -> Recorded:
        """Raises CallerGone."""
        self._gone()

    async def transfer(self, order: TransferOrder) -> Transferred:
        """Raises CallerGone."""
        self._gone()

    async def wait_in_queue(self, order: QueueOrder) -> Queued:
        """Raises CallerGone."""
        self._gone()

    async def set_language(self, language: str) -> None:
        """Nobody hears it."""

    async def hang_up(self) -> None:
        """It is gone already."""

    @staticmethod
    def _gone() -> NoReturn:
        raise CallerGone("the caller hung up while the server was down")


@asynccontextmanager
async def _quiet() -> AsyncIterator[None]:
    yield
