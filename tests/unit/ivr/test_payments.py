from collections.abc import AsyncIterator
from decimal import Decimal

from aiohttp import web
from pydantic import ValidationError
from pytest import fixture, mark, raises

from ivr.payments import HttpTokeniser, PaymentProvider
from ivr.port import CardPart
from ivr.secret import Secret
from ivr.signing import is_signed
from ivr.values import PortTrouble

KEY, NUMBER, NOW_S = "a secret of both sides", "4111111111111111", 1_780_000_000.0
CARD = {CardPart.NUMBER: Secret(NUMBER), CardPart.EXPIRY: Secret("1230"), CardPart.CODE: Secret("123")}


class Now:
    def now_s(self) -> float:
        return NOW_S

    def monotonic_s(self) -> float:
        return 0.0


class Provider:
    def __init__(self) -> None:
        self.answer: tuple[int, str] = (200, '{"token": "tok_1"}')
        self.breaks = 0
        self.keys: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert is_signed(body, request.headers, Secret(KEY), NOW_S)
        told = await request.json()
        assert (told["number"], told["expiry"], told["code"]) == (NUMBER, "1230", "123")
        assert (told["amount"], told["currency"]) == ("10.50", "EUR")
        self.keys.append(told["key"])
        if self.breaks:
            self.breaks -= 1
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=self.answer[0], text=self.answer[1])


@fixture
async def provider() -> AsyncIterator[tuple[Provider, HttpTokeniser]]:
    taken, app = Provider(), web.Application()
    app.router.add_post("/", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = PaymentProvider.model_validate({"url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "secret": KEY})
    tokeniser = HttpTokeniser(settings, Now())
    yield taken, tokeniser
    await tokeniser.close()
    await runner.cleanup()


Both = tuple[Provider, HttpTokeniser]


@mark.parametrize(
    ("status", "text", "token"), [(200, '{"token": "tok_1"}', "tok_1"), (402, "", None), (200, "{}", None)]
)
async def test_given_a_card_when_the_provider_answers_then_it_is_a_token_or_a_refusal(
    provider: Both, status: int, text: str, token: str | None
) -> None:
    provider[0].answer = status, text
    assert await provider[1].tokenise(CARD, Decimal("10.50"), "EUR", "k1") == token


async def test_given_a_broken_connection_when_asked_again_then_it_is_the_same_request(provider: Both) -> None:
    provider[0].breaks = 1
    assert await provider[1].tokenise(CARD, Decimal("10.50"), "EUR", "k1") == "tok_1"
    assert provider[0].keys == ["k1", "k1"]


@mark.parametrize(
    ("status", "text", "words"),
    [
        (500, "trace", "status 500"),
        (200, "hello", "JSON object"),
        (200, '{"token": 5}', "no text"),
        (200, f'{{"token": "t-{NUMBER[:8]}-{NUMBER[8:]}"}}', "instead of a token"),
    ],
)
async def test_given_a_wrong_answer_when_asked_then_the_trouble_holds_no_digit(
    provider: Both, status: int, text: str, words: str
) -> None:
    provider[0].answer = status, text
    with raises(PortTrouble, match=words) as caught:
        await provider[1].tokenise(CARD, Decimal("10.50"), "EUR", "k1")
    assert NUMBER not in str(caught.value) and "trace" not in str(caught.value)


@mark.parametrize("url", ["http://pay.example/cards", "ftp://127.0.0.1/", "http://localhost.example/"])
def test_given_an_address_in_the_clear_when_declared_then_it_is_refused(url: str) -> None:
    with raises(ValidationError, match="https"):
        PaymentProvider.model_validate({"url": url, "secret": KEY})
