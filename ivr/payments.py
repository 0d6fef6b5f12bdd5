"""The `Tokeniser` port over HTTP: card digits go to the payment provider's hook and nowhere else."""

import ipaddress
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, Field, SecretStr

from campaigns.clock import Clock
from ivr import web
from ivr.fields import Part
from ivr.port import CardPart
from ivr.secret import Secret
from ivr.signing import signed_headers
from ivr.values import PortTrouble

_REFUSED = 402
_TRIES = 2


def _protected(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or "")):
        return url
    raise ValueError("card digits go by https:// only (http:// is for 127.0.0.1 and ::1)")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class PaymentProvider(Part):
    """Who gives tokens for cards. secret: both sides know it; requests are signed as webhooks are."""

    url: Annotated[str, AfterValidator(_protected)]
    secret: Annotated[SecretStr, Field(min_length=16)]
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 8.0


class HttpTokeniser:
    """POST {number, expiry, code, amount, currency, key}: 2xx with {"token": "..."} is a token, 402 or null a refusal.

    A second try after a broken connection is harmless: `key` makes it the same request.
    """

    def __init__(self, provider: PaymentProvider, clock: Clock) -> None:
        """Connect at the first card."""
        self._provider = provider
        self._clock = clock
        self._client = web.client()

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def tokenise(self, card: Mapping[CardPart, Secret], amount: Decimal, currency: str, key: str) -> str | None:
        """A token, None when it was refused. Raises PortTrouble; its words hold no digit."""
        told = {part.value: digits.reveal() for part, digits in card.items()}
        body = json.dumps(told | {"amount": str(amount), "currency": currency, "key": key}).encode()
        trouble = ""
        for _ in range(_TRIES):
            try:
                return await self._once(body, key)
            except httpx.HTTPError as error:
                trouble = type(error).__name__
        raise PortTrouble(f"the payment provider cannot be reached ({trouble})")

    async def _once(self, body: bytes, key: str) -> str | None:
        provider = self._provider
        headers = signed_headers(body, key, Secret(provider.secret.get_secret_value()), self._clock.now_s())
        answer = await self._client.post(provider.url, content=body, headers=headers, timeout=provider.timeout_s)
        if answer.status_code == _REFUSED:
            return None
        if not answer.is_success:
            raise PortTrouble(f"the payment provider answered with status {answer.status_code}")
        try:
            token = answer.json().get("token")
        except (ValueError, AttributeError):
            raise PortTrouble("the payment provider did not answer with a JSON object") from None
        if token is not None and not isinstance(token, str):
            raise PortTrouble("the payment provider gave a token that is no text")
        if token and json.loads(body)[CardPart.NUMBER.value] in "".join(filter(str.isdigit, token)):
            raise PortTrouble("the payment provider gave the card's number instead of a token")
        return token


class NoTokeniser:
    """No payment provider: every card takes the node's `failed` branch."""

    async def close(self) -> None:
        """Nothing to close."""

    async def tokenise(self, card: Mapping[CardPart, Secret], amount: Decimal, currency: str, key: str) -> str | None:
        """Nobody takes cards."""
        raise PortTrouble("no payment provider is set up: add [ivr.payment] to the settings")
