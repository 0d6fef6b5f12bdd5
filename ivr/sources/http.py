"""Ask a JSON service."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from ivr import web
from ivr.secret import Secret
from ivr.sources.settings import HttpSource
from ivr.values import Fields, PortTrouble, Value

_LARGEST_BYTES = 256 * 1024


class HttpAsker:
    """One HTTP source."""

    def __init__(self, source: HttpSource) -> None:
        """Connect at the first question; blocking, so make it before the first call."""
        self._source = source
        secrets = {name: value.get_secret_value() for name, value in source.headers.items()}
        self._client = web.client(source.timeout_s, secrets)
        self.repeatable = source.method == "GET" if source.repeatable is None else source.repeatable

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def ask(self, question: Mapping[str, Value | Secret]) -> Fields | None:
        """Ask once. Raises PortTrouble; its message holds no value."""
        source = self._source
        body = {name: _plain(value) for name, value in question.items()}
        if source.method == "GET" and any(isinstance(value, Secret) for value in question.values()):
            raise PortTrouble(
                f'source {source.name!r} would put a sensitive value into its address: use method = "POST"'
            )
        how: dict[str, Any] = {"params": body} if source.method == "GET" else {"json": body}
        try:
            async with self._client.stream(source.method, source.url, **how) as answer:
                return await self._read(answer)
        except httpx.HTTPError as error:
            # The error's own text may hold the address with its query.
            raise PortTrouble(f"source {source.name!r} cannot be reached ({type(error).__name__})") from None

    async def _read(self, answer: httpx.Response) -> Fields | None:
        name = self._source.name
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise PortTrouble(f"source {name!r} answered with status {answer.status_code}")
        content = b""
        async for piece in answer.aiter_bytes():
            content += piece
            if len(content) > _LARGEST_BYTES:
                raise PortTrouble(f"source {name!r} answered with more than {_LARGEST_BYTES // 1024} KiB")
        try:
            fields = json.loads(content, parse_float=Decimal)
        except ValueError:
            raise PortTrouble(f"source {name!r} did not answer with JSON") from None
        if self._source.inside and isinstance(fields, dict):
            fields = fields.get(self._source.inside)
        if fields is None:
            return None
        if not isinstance(fields, dict):
            raise PortTrouble(f"source {name!r} did not answer with a JSON object")
        return fields


def _plain(value: Value | Secret) -> str | int | bool | None:
    if isinstance(value, Secret):
        return value.reveal()
    return value if value is None or isinstance(value, bool | int) else str(value)
