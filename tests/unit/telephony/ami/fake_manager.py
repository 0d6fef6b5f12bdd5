"""A scripted manager interface on loopback."""

import asyncio

ACTION_ID = "actionid"


class FakeManager:
    """Answers Login and everything in `answers` (action -> header lines); other actions get no answer."""

    def __init__(self) -> None:
        self.actions: list[dict[str, str]] = []
        self.secret = "a-secret"
        self.answers: dict[str, list[str]] = {"ping": ["Response: Success", "Ping: Pong"]}
        self.connections = 0
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        while True:
            try:
                block = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            lines = [line.partition(": ") for line in block.decode().split("\r\n") if line]
            action = {name.lower(): value for name, _, value in lines}
            self.actions.append(action)
            self._answer(action)
        writer.close()

    def _answer(self, action: dict[str, str]) -> None:
        kind = action["action"].lower()
        answer = self.answers.get(kind)
        if kind == "login":
            good = action["secret"] == self.secret
            answer = ["Response: Success" if good else "Response: Error", "Message: Authentication"]
        if answer is not None:
            self.say(*answer, f"ActionID: {action[ACTION_ID]}")

    def say(self, *lines: str) -> None:
        assert self._writer is not None
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def asked(self, action: str) -> list[dict[str, str]]:
        return [one for one in self.actions if one["action"].lower() == action]
