"""What the tours over WebSockets share beyond the others: calls are awaited, requests are noted down
by their method, streams by their name."""

import asyncio
import json
import time

import aiohttp
import websockets.asyncio.connection

from tour import Answer, Tour


class SocketTour(Tour):
    def observe(self):
        super().observe()
        for connection, method in ((aiohttp.ClientWebSocketResponse, "send_str"), (websockets.asyncio.connection.Connection, "send")):
            send = getattr(connection, method)

            def noted(socket, message, *arguments, send=send, **options):
                self.note_message(message)
                return send(socket, message, *arguments, **options)

            setattr(connection, method, noted)

    def note_message(self, message):
        request = json.loads(message)
        method, parameters = request.get("method", ""), request.get("params")
        if method in ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"):
            self.sent.append(method)
            self.sent.extend(f"STREAM {stream.removeprefix('btcusdt')}" for stream in parameters or [])
        else:
            self.sent.append(f"WS {method}")

    async def ask(self, call, *arguments, name=None, **parameters):
        return await self.note_async(name or call.__name__, lambda: call(*arguments, **parameters))

    async def note_async(self, name, call):
        """A call that is awaited."""
        await asyncio.to_thread(self.set_clock)
        self.sent.clear()
        try:
            answer = Answer(name, self.of(await call()))
        finally:
            made = self.calls.setdefault(name, [])
            made.extend(request for request in self.sent if request not in made)
        self.answers.append(answer)
        return answer

    def of(self, answer):
        """What there is in an answer of the client."""
        return answer

    async def moved(self, times=1):
        """The market moves. Who waits for what is told of it looks until it is there."""
        for _ in range(times):
            await asyncio.to_thread(self.step)


async def comes(is_so, seconds=30):
    """Waits until something is so, however busy the machine is, and says whether it came."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def agrees(check):
    """Looks again until a check has nothing against what was heard; at the end it has its say."""
    def is_so():
        try:
            check()
        except (AssertionError, IndexError, KeyError):
            return False
        return True

    if not await comes(is_so, 120):
        check()
