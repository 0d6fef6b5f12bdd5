from collections.abc import AsyncIterator

from aiohttp import web
from pytest import fixture, raises

from ivr.hooks import Hook, HttpHooks
from ivr.secret import Secret
from ivr.signing import event_body, is_signed
from ivr.values import PortTrouble

KEY = "a secret of both sides"


class Now:
    def now_s(self) -> float:
        return 1_780_000_000.0

    def monotonic_s(self) -> float:
        return 0.0


class Receiver:
    def __init__(self) -> None:
        self.answers: list[int] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert is_signed(body, request.headers, Secret(KEY), 1_780_000_010.0)
        self.bodies.append(body)
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@fixture
async def receiver() -> AsyncIterator[Receiver]:
    taken = Receiver()
    app = web.Application()
    app.router.add_post("/", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield taken
    await runner.cleanup()


BODY = event_body("paid", "e1", "c1", "f", 1.0, {"amount": 5})


async def test_given_a_receiver_that_stumbles_when_an_event_is_posted_then_it_comes_signed_and_again(
    receiver: Receiver,
) -> None:
    receiver.answers = [503, 200]
    async with HttpHooks([Hook(name="crm", url=receiver.url, secret=KEY)], Now()) as hooks:
        await hooks.post("crm", BODY, "e1")
    assert receiver.bodies == [BODY, BODY]


async def test_given_a_receiver_that_refuses_when_posted_then_it_is_told_once(receiver: Receiver) -> None:
    receiver.answers = [403]
    async with HttpHooks([Hook(name="crm", url=receiver.url, secret=KEY)], Now()) as hooks:
        with raises(PortTrouble, match="refused with status 403"):
            await hooks.post("crm", BODY, "e1")
        with raises(PortTrouble, match="no hook 'other'"):
            await hooks.post("other", BODY, "e1")
    assert len(receiver.bodies) == 1


def test_given_one_name_twice_or_a_short_secret_when_declared_then_it_is_refused() -> None:
    hook = Hook(name="crm", url="http://localhost/", secret=KEY)
    with raises(ValueError, match="twice"):
        HttpHooks([hook, hook], Now())
    with raises(ValueError):
        Hook(name="crm", url="http://localhost/", secret="short")
