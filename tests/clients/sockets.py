"""What the tours over WebSockets share beyond the others: calls are awaited, requests are noted down
by their method, streams by their name."""

import asyncio
import json
import time

import aiohttp
import websockets.asyncio.connection

from tour import SYMBOL, Answer, Tour, text


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

    def told_last(self, trade, agg_trade, klines, book_ticker):
        """What streams have told last is what plain requests say."""
        last = self.get(f"/api/v3/trades?symbol={SYMBOL}&limit=1")[0]
        assert (trade["t"], trade["p"]) == (last["id"], last["price"]), (trade, last)
        joined = self.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=1")[0]
        assert all(agg_trade[name] == joined[name] for name in ("a", "p", "q", "f", "l", "T", "m")), (agg_trade, joined)
        closed = [event["k"] for event in klines if event["k"]["x"]][-1]
        bar = self.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&startTime={closed['t']}&limit=1")[0]
        assert [closed[name] for name in "tohlcvTqnVQ"] == bar[:11], (closed, bar)
        bid, ask = self.book()
        assert (book_ticker["b"], book_ticker["a"]) == (text(bid), text(ask)), (book_ticker, bid, ask)


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
