"""ccxt over WebSockets: what it watches, and what it sends through the WebSocket API."""

import asyncio
import json

import ccxt.pro

from sockets import SocketTour, agrees, comes
from tour import LATE, SYMBOL, TAKER, decimal

PAIR = "BTC/USDT"


class OfCcxt(SocketTour):
    def set_clock(self):
        # As its own call does that asks for the server's time.
        client.options["timeDifference"] = client.milliseconds() - self.now() + LATE


tour = OfCcxt("ccxt")
sockets = tour.url.replace("http", "ws")
client = ccxt.pro.binance({
    "apiKey": "local", "secret": "local", "enableRateLimit": False,
    "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
})
for kind in ("public", "private"):
    client.urls["api"][kind] = f"{tour.url}/api/v3"
client.urls["api"]["ws"]["spot"] = f"{sockets}/ws"
client.urls["api"]["ws"]["ws-api"]["spot"] = f"{sockets}/ws-api/v3"


async def next_of(call, *arguments, is_so=lambda _: True):
    """What a watcher tells once the market has moved, the first of which something is so."""
    name, answers = call.__name__, []

    async def watch():
        while True:
            answers.append(await call(*arguments))

    tour.sent.clear()
    task = asyncio.create_task(watch())
    # Until then there is a connection or a subscription more to be made.
    await comes(lambda: answers, 0.5)
    for _ in range(40):
        if any(map(is_so, answers)) or task.done():
            break
        await tour.moved()
        await comes(lambda: any(map(is_so, answers)) or task.done(), 0.5)
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    assert any(map(is_so, answers)), f"{name}: {answers[-1:]} {results}"
    tour.calls[name] = list(dict.fromkeys([*tour.calls.get(name, []), *tour.sent]))
    return next(filter(is_so, reversed(answers)))


async def market_data():
    tour.minutes(180)
    (await tour.ask(client.load_markets)).holds(lambda markets: list(markets) == [PAIR], "one market")
    rows = tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&limit=3")
    (await tour.ask(client.fetch_ohlcv_ws, PAIR, "1m", None, 3)).equals([[row[0], *map(float, row[1:6])] for row in rows])
    last = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=1")[0]
    (await tour.ask(client.fetch_trades_ws, PAIR, None, 2)).holds(lambda trades: trades[-1]["price"] == float(last["price"]), "the last")


async def streams():
    """What it watches agrees with what can be asked for."""
    book = await next_of(client.watch_order_book, PAIR)
    bid, ask = tour.book()

    def best():
        # It keeps the book by differences from a snapshot.
        assert (book["bids"][0][0], book["asks"][0][0]) == (float(bid), float(ask)), (book["bids"][:2], bid, book["asks"][:2], ask)

    await agrees(best)
    trades = await next_of(client.watch_trades, PAIR)
    assert trades[-1]["symbol"] == PAIR and trades[-1]["price"] > 0
    bars = await next_of(client.watch_ohlcv, PAIR, "1m")
    bar = tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&startTime={bars[-1][0]}&limit=1")[0]
    assert bars[-1][:2] == [bar[0], float(bar[1])], (bars, bar)
    ticker = await next_of(client.watch_ticker, PAIR)
    day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
    assert ticker["symbol"] == PAIR and ticker["open"] == float(day["openPrice"]), (ticker, day)
    tickers = await next_of(client.watch_tickers, [PAIR])
    assert tickers[PAIR]["last"] > 0
    best = await next_of(client.watch_bids_asks, [PAIR])
    assert best[PAIR]["ask"] > best[PAIR]["bid"] > 0


async def trading():
    """Orders through the WebSocket API, and what is watched of them."""
    watched = {"watch_orders": [], "watch_my_trades": [], "watch_balance": []}

    async def watch(name):
        while True:
            watched[name].append(await getattr(client, name)())

    tour.set_clock()
    tour.sent.clear()
    tasks = []
    for name in watched:
        tasks.append(asyncio.create_task(watch(name)))
        # One subscription serves all three.
        assert await comes(lambda: tour.sent or len(tasks) > 1), name
        tour.calls[name] = list(dict.fromkeys(tour.sent)) or ["WS userDataStream.subscribe.signature"]
        tour.sent.clear()
    bought = await tour.ask(client.create_order_ws, PAIR, "market", "buy", 0.1)
    ask = tour.book()[1]
    bought.has(status="closed", filled=0.1, average=float(ask))
    low, lower = float(tour.near(-5)), float(tour.near(-6))
    placed = (await tour.ask(client.create_order_ws, PAIR, "limit", "buy", 0.01, low)).has(status="open", price=low)
    (await tour.ask(client.fetch_order_ws, placed["id"], PAIR)).has(id=placed["id"], status="open")
    (await tour.ask(client.fetch_open_orders_ws, PAIR)).holds(lambda orders: [order["id"] for order in orders] == [placed["id"]], "this one")
    edited = (await tour.ask(client.edit_order_ws, placed["id"], PAIR, "limit", "buy", 0.01, lower)).has(status="open", price=lower)
    (await tour.ask(client.cancel_order_ws, edited["id"], PAIR)).has(status="canceled")
    (await tour.ask(client.create_order_ws, PAIR, "limit", "buy", 0.01, low)).has(status="open")
    (await tour.ask(client.cancel_all_orders_ws, PAIR)).holds(lambda orders: [order["status"] for order in orders] == ["canceled"], "one")
    (await tour.ask(client.fetch_orders_ws, PAIR)).holds(lambda orders: len(orders) == 4, "four")
    (await tour.ask(client.fetch_closed_orders_ws, PAIR)).holds(lambda orders: [order["id"] for order in orders] == ["1"], "the first")
    (await tour.ask(client.fetch_my_trades_ws, PAIR)).holds(lambda trades: [trade["amount"] for trade in trades] == [0.1], "one")
    balances = tour.get_signed("/api/v3/account")["balances"]
    held = {each["asset"]: float(each["free"]) for each in balances}
    # It gives the answer as it came, and makes nothing of it.
    (await tour.ask(client.fetch_balance_ws)).holds(lambda balance: balance["info"]["balances"] == balances, "what plain requests say")

    def told():
        orders = [(order["id"], order["status"]) for batch in watched["watch_orders"] for order in batch]
        assert ("1", "closed") in orders and (placed["id"], "canceled") in orders, orders
        trades = [trade for batch in watched["watch_my_trades"] for trade in batch]
        assert (trades[0]["price"], trades[0]["amount"], trades[0]["fee"]) == (float(ask), 0.1, {"cost": float(TAKER / 10), "currency": "BTC"}), trades
        assert watched["watch_balance"][-1]["BTC"]["free"] == held["BTC"], watched["watch_balance"][-1]

    await agrees(told)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for kind, said, parameters in (
        (ccxt.pro.InsufficientFunds, "Account has insufficient balance for requested action.", ("limit", "buy", 100, low)),
        (ccxt.pro.OrderImmediatelyFillable, "Order would immediately match and take.", ("limit_maker", "buy", 0.01, float(tour.near(1)))),
    ):
        try:
            answer = await tour.ask(client.create_order_ws, PAIR, *parameters)
        except kind as error:
            assert said in str(error), error
        else:
            answer.fail(f"expected {said}")


async def go():
    await market_data()
    await trading()
    await streams()
    await client.close()


asyncio.run(go())
tour.end()
