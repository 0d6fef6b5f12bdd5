"""What flows reach outside the house, made from the settings: look-ups, webhooks, messages, card tokens."""

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from campaigns.clock import Clock
from ivr.breaker import BreakingLookup, Rule
from ivr.checker import Known
from ivr.hooks import HttpHooks
from ivr.mail import SmtpMail
from ivr.messages import Messages
from ivr.payments import HttpTokeniser, NoTokeniser
from ivr.port import MessageChannel
from ivr.sources import Sources
from server.settings import IvrPart, Settings, SettingsError


@dataclass(slots=True)
class FlowPorts:
    """The ports of `ivr.port.World` that speak to other systems; an async context manager that closes connections."""

    sources: Sources
    lookup: BreakingLookup
    hooks: HttpHooks
    mail: SmtpMail | None
    messages: Messages
    tokeniser: HttpTokeniser | NoTokeniser

    async def __aenter__(self) -> Self:
        """Ready; connections are opened by the first that needs them."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.sources)
            await stack.enter_async_context(self.hooks)
            stack.push_async_callback(self.tokeniser.close)
            if self.mail:
                stack.callback(self.mail.close)

    def known(self, settings: Settings, prompts: dict[str, frozenset[str]]) -> Known:
        """What the checker may take for known."""
        return Known(
            prompts=prompts,
            sources=self.sources.names(),
            queues=frozenset(part.queue_id for part in settings.queues),
            hooks=self.hooks.names(),
            channels=self.messages.channels(),
            payments=isinstance(self.tokeniser, HttpTokeniser),
        )


def flow_ports(part: IvrPart, clock: Clock) -> FlowPorts:
    """Make them; nothing is connected yet. Raises SettingsError for names that clash or lead nowhere."""
    folder = str(part.plugins.absolute())
    if any(source.kind == "plugin" for source in part.sources) and folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        sources, hooks = Sources(part.sources), HttpHooks(part.hooks, clock)
    except ValueError as error:
        raise SettingsError(f"ivr: {error}") from None
    rules = {source.name: Rule(source.failures, source.rest_s) for source in part.sources}
    mail = SmtpMail(part.mail) if part.mail else None
    return FlowPorts(
        sources,
        BreakingLookup(sources, clock, rules),
        hooks,
        mail,
        Messages(mail, _channels(part, hooks), hooks),
        HttpTokeniser(part.payment, clock) if part.payment else NoTokeniser(),
    )


def _channels(part: IvrPart, hooks: HttpHooks) -> dict[MessageChannel, str]:
    named = {channel: str(getattr(part.messages, channel.value)) for channel in MessageChannel}
    for channel, hook in named.items():
        if hook and hook not in hooks.names():
            raise SettingsError(f"ivr.messages.{channel}: there is no hook {hook!r}: add it under [[ivr.hooks]]")
    return {channel: hook for channel, hook in named.items() if hook}
