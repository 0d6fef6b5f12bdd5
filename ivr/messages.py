"""The `MessagePort`: each channel goes its own way, by mail or as a signed webhook to whoever delivers it."""

import json
from collections.abc import Mapping

from ivr.mail import SmtpMail
from ivr.port import MessageChannel, OutgoingMessage, Webhooks
from ivr.secret import Secret
from ivr.values import PortTrouble


class Messages:
    """Sends messages. hooks: channel -> the hook that delivers it (a WhatsApp or SMS provider's gateway)."""

    def __init__(self, mail: SmtpMail | None, hooks: Mapping[MessageChannel, str], webhooks: Webhooks) -> None:
        """E-mail goes by `mail` unless a hook is named for it."""
        self._mail = mail
        self._hooks = hooks
        self._webhooks = webhooks

    def channels(self) -> frozenset[str]:
        """Channels that have a way out."""
        mail = {MessageChannel.EMAIL.value} if self._mail else set()
        return frozenset(mail | {channel.value for channel in self._hooks})

    async def send(self, message: OutgoingMessage) -> str:
        """Send; a reference. Raises PortTrouble."""
        if (hook := self._hooks.get(message.channel)) is not None:
            await self._webhooks.post(hook, _body(message), message.message_key)
            return message.message_key
        if message.channel is MessageChannel.EMAIL and self._mail is not None:
            return await self._mail.send(message)
        mend = "[ivr.mail]" if message.channel is MessageChannel.EMAIL else f"{message.channel} in [ivr.messages]"
        raise PortTrouble(f"no way to send {message.channel} is set up: add {mend} to the settings")


def _body(message: OutgoingMessage) -> bytes:
    text = message.text.reveal() if isinstance(message.text, Secret) else message.text
    told = {
        "event": "message",
        "event_id": message.message_key,
        "channel": message.channel.value,
        "to": message.to,
        "subject": message.subject,
        "text": text,
        "language": message.language,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
