"""python-binance over WebSockets: its asynchronous client's calls of the WebSocket API, user data and
market streams."""

import asyncio

from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from sockets import SocketTour, agrees, comes
from tour import LATE, MAKER, SYMBOL, TAKER, decimal, text


class OfPythonBinance(SocketTour):
    def set_clock(self):
        client.timestamp_offset = self.now() - int(self.wall() * 1000) - LATE

    def of(self, answer):
        return answer


tour = OfPythonBinance("python-binance")
sockets = tour.url.replace("http", "ws")
AsyncClient.API_URL = f"{tour.url}/api"
AsyncClient.WS_API_URL = f"{sockets}/ws-api/v3"
BinanceSocketManager.STREAM_URL = f"{sockets}/"
client = None


async def market_data():
    tour.minutes(180)
    (await tour.ask(client.ws_ping)).equals({})
    (await tour.ask(client.ws_get_time)).holds(lambda told: abs(told["serverTime"] - tour.now()) < 1000, "server time")
    (await tour.ask(client.ws_get_exchange_info, symbol=SYMBOL)).holds(lambda info: info["symbols"][0]["symbol"] == SYMBOL, "the market")
    (await tour.ask(client.ws_get_order_book, symbol=SYMBOL, limit=5)).equals(tour.get(f"/api/v3/depth?symbol={SYMBOL}&limit=5"))
    trades = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=4")
    (await tour.ask(client.ws_get_recent_trades, symbol=SYMBOL, limit=4)).equals(trades)
    (await tour.ask(client.ws_get_historical_trades, symbol=SYMBOL, limit=2, fromId=trades[0]["id"])).equals(trades[:2])
    (await tour.ask(client.ws_get_aggregate_trades, symbol=SYMBOL, limit=4)).equals(tour.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=4"))
    for call in (client.ws_get_klines, client.ws_get_uiKlines):
        (await tour.ask(call, symbol=SYMBOL, interval="1m", limit=3)).equals(tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&limit=3"))
    (await tour.ask(client.ws_get_avg_price, symbol=SYMBOL)).has(mins=5, price=tour.get(f"/api/v3/avgPrice?symbol={SYMBOL}")["price"])
    for call, path in (
        (client.ws_get_ticker, "ticker/24hr"), (client.ws_get_trading_day_ticker, "ticker/tradingDay"), (client.ws_get_symbol_ticker_window, "ticker"),
        (client.ws_get_symbol_ticker, "ticker/price"), (client.ws_get_orderbook_ticker, "ticker/bookTicker"),
    ):
        (await tour.ask(call, symbol=SYMBOL)).has(tour.get(f"/api/v3/{path}?symbol={SYMBOL}"))


async def trading():
    """Every change is answered, and told of to those who listen."""
    async with BinanceSocketManager(client).user_socket() as user:
        tour.calls["user_socket"] = ["WS userDataStream.subscribe.signature"]

        async def heard(*expected):
            """What was told since the last time."""
            events = [await asyncio.wait_for(user.recv(), 30) for _ in expected]
            events = [event.get("event", event) for event in events]
            assert [event.get("x", event["e"]) for event in events] == list(expected), events
            return events

        bought = await tour.ask(client.ws_order_market_buy, symbol=SYMBOL, quantity="0.1")
        ask = tour.book()[1]
        bought.has(status="FILLED", executedQty="0.10000000", cummulativeQuoteQty=text(ask / 10))
        new, trade, position = await heard("NEW", "TRADE", "outboundAccountPosition")
        assert (trade["X"], trade["L"], trade["n"], trade["N"], new["N"]) == ("FILLED", text(ask), text(TAKER / 10), "BTC", None), trade
        (await tour.ask(client.ws_order_market_sell, symbol=SYMBOL, quantity="0.01")).has(status="FILLED", side="SELL")
        (await tour.ask(client.ws_order_market, symbol=SYMBOL, side="BUY", quoteOrderQty="100")).has(status="FILLED", origQuoteOrderQty="100.00000000")
        await heard(*["NEW", "TRADE", "outboundAccountPosition"] * 2)
        low, high, higher, lower = (str(tour.near(share)) for share in (-5, 5, 6, -6))
        placed = (await tour.ask(client.ws_order_limit_buy, symbol=SYMBOL, quantity="0.01", price=low, newClientOrderId="low")).has(
            status="NEW", price=text(low), clientOrderId="low")
        await heard("NEW", "outboundAccountPosition")
        (await tour.ask(client.ws_get_order, symbol=SYMBOL, orderId=placed["orderId"])).has(status="NEW", clientOrderId="low")
        (await tour.ask(client.ws_get_open_orders, symbol=SYMBOL)).holds(lambda orders: [each["clientOrderId"] for each in orders] == ["low"], "it")
        (await tour.ask(client.ws_cancel_and_replace_order, symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=lower,
                        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"])).has(cancelResult="SUCCESS", newOrderResult="SUCCESS")
        await heard("CANCELED", "NEW", "outboundAccountPosition")
        (await tour.ask(client.ws_cancel_order, symbol=SYMBOL, orderId=placed["orderId"] + 1)).has(status="CANCELED", price=text(lower))
        await heard("CANCELED", "outboundAccountPosition")
        (await tour.ask(client.ws_order_limit, symbol=SYMBOL, side="SELL", quantity="0.01", price=high)).has(status="NEW", side="SELL")
        (await tour.ask(client.ws_order_limit_sell, symbol=SYMBOL, quantity="0.01", price=high)).has(status="NEW", side="SELL")
        (await tour.ask(client.ws_create_order, symbol=SYMBOL, side="SELL", type="STOP_LOSS", quantity="0.01", stopPrice=low, newOrderRespType="RESULT")).has(
            status="NEW", stopPrice=text(low))
        (await tour.ask(client.ws_create_test_order, symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01")).equals({})
        (await tour.ask(client.ws_cancel_all_open_orders, symbol=SYMBOL)).holds(lambda orders: [each["status"] for each in orders] == ["CANCELED"] * 3, "three")
        await heard(*["NEW", "outboundAccountPosition"] * 3, *["CANCELED"] * 3, "outboundAccountPosition")
        oco = await tour.ask(client.ws_create_oco_order, symbol=SYMBOL, side="SELL", quantity="0.01", aboveType="LIMIT_MAKER", abovePrice=high,
                             belowType="STOP_LOSS", belowStopPrice=low)
        oco.has(contingencyType="OCO", listOrderStatus="EXECUTING")
        status = (await heard("NEW", "NEW", "listStatus", "outboundAccountPosition"))[2]
        assert (status["l"], status["L"], status["g"]) == ("EXEC_STARTED", "EXECUTING", oco["orderListId"])
        (await tour.ask(client.ws_get_oco_order, orderListId=oco["orderListId"])).has(listOrderStatus="EXECUTING")
        (await tour.ask(client.ws_get_oco_open_orders)).holds(lambda lists: len(lists) == 1, "one")
        (await tour.ask(client.ws_cancel_oco_order, symbol=SYMBOL, orderListId=oco["orderListId"])).has(listOrderStatus="ALL_DONE")
        await heard("CANCELED", "CANCELED", "listStatus", "outboundAccountPosition")
        working = {"symbol": SYMBOL, "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC", "workingPrice": low, "workingQuantity": "0.01"}
        pair = {"pendingSide": "SELL", "pendingQuantity": "0.01", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": higher,
                "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": lower}
        pending = {"pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "0.01"}
        for call, parameters, orders in ((client.ws_create_oto_order, pending, 2), (client.ws_create_otoco_order, pair, 3)):
            (await tour.ask(call, **working, **parameters)).has(contingencyType="OTO").holds(lambda told: len(told["orders"]) == orders, "its orders")
            await heard(*["NEW"] * orders, "listStatus", "outboundAccountPosition")
        (await tour.ask(client.ws_cancel_all_open_orders, symbol=SYMBOL)).holds(lambda lists: [len(each["orderReports"]) for each in lists] == [2, 3], "lists")
        await heard(*["CANCELED"] * 2, "listStatus", *["CANCELED"] * 3, "listStatus", "outboundAccountPosition")

        # Orders at bid and ask: whichever way the market goes, it fills one of them.
        (await tour.ask(client.ws_order_market_buy, symbol=SYMBOL, quantity="0.01")).has(status="FILLED")
        bid, ask = tour.book()
        (await tour.ask(client.ws_order_limit_buy, symbol=SYMBOL, quantity="0.01", price=str(bid))).has(status="NEW")
        (await tour.ask(client.ws_order_limit_sell, symbol=SYMBOL, quantity="0.01", price=str(ask))).has(status="NEW")
        await heard("NEW", "TRADE", *["outboundAccountPosition", "NEW"] * 2, "outboundAccountPosition")
        await tour.moved()
        filled = (await heard("TRADE", "outboundAccountPosition"))[0]
        assert (filled["m"], filled["X"], filled["L"]) == (True, "FILLED", filled["p"]), filled
    (await tour.ask(client.ws_get_account)).has(accountType="SPOT", balances=tour.get_signed("/api/v3/account")["balances"])
    (await tour.ask(client.ws_get_my_trades, symbol=SYMBOL)).equals(tour.get_signed("/api/v3/myTrades", symbol=SYMBOL))
    (await tour.ask(client.ws_get_all_orders, symbol=SYMBOL)).equals(tour.get_signed("/api/v3/allOrders", symbol=SYMBOL))
    (await tour.ask(client.ws_get_account_rate_limits_orders)).holds(lambda limits: [each["limit"] for each in limits] == [50, 160_000], "two limits")
    (await tour.ask(client.ws_get_commission_rates, symbol=SYMBOL)).holds(lambda told: told["standardCommission"]["maker"] == text(MAKER), "its rates")


async def errors():
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": str(tour.near(-5))}
    for said, call, parameters in (
        ((-1121, "Invalid symbol."), client.ws_get_order_book, {"symbol": "NONE"}),
        ((-1013, "Filter failure: PRICE_FILTER"), client.ws_create_order, {**order, "price": "20000.001"}),
        ((-1117, "Invalid side."), client.ws_create_order, {**order, "side": "HOLD"}),
        ((-2010, "Account has insufficient balance for requested action."), client.ws_create_order, {**order, "quantity": "100"}),
        ((-2013, "Order does not exist."), client.ws_get_order, {"symbol": SYMBOL, "orderId": 99_999}),
        ((-2011, "Unknown order sent."), client.ws_cancel_order, {"symbol": SYMBOL, "orderId": 99_999}),
    ):
        try:
            answer = await tour.ask(call, **parameters)
        except BinanceAPIException as error:
            assert (error.code, error.message) == said, (error, said)
        else:
            answer.fail(f"expected {said}")


async def streams():
    """What the streams tell agrees with what can be asked for."""
    manager = BinanceSocketManager(client)
    names = {
        "kline_socket": ("btcusdt@kline_1m", manager.kline_socket(SYMBOL)), "trade_socket": ("btcusdt@trade", manager.trade_socket(SYMBOL)),
        "aggtrade_socket": ("btcusdt@aggTrade", manager.aggtrade_socket(SYMBOL)), "depth_socket": ("btcusdt@depth", manager.depth_socket(SYMBOL)),
        "symbol_ticker_socket": ("btcusdt@ticker", manager.symbol_ticker_socket(SYMBOL)),
        "symbol_miniticker_socket": ("btcusdt@miniTicker", manager.symbol_miniticker_socket(SYMBOL)),
        "symbol_book_ticker_socket": ("btcusdt@bookTicker", manager.symbol_book_ticker_socket(SYMBOL)),
        "miniticker_socket": ("!miniTicker@arr", manager.miniticker_socket()),
        "multiplex_socket": ("btcusdt@kline_1m/btcusdt@avgPrice", manager.multiplex_socket(["btcusdt@kline_1m", "btcusdt@avgPrice"])),
    }
    heard = {name: [] for name in names}
    connected = []

    async def listen(name, socket):
        async with socket as stream:
            connected.append(name)
            while True:
                heard[name].append(await stream.recv())

    tasks = [asyncio.create_task(listen(name, socket)) for name, (_, socket) in names.items()]
    assert await comes(lambda: len(connected) == len(names)), connected
    await tour.moved(5)
    for name, (stream, _) in names.items():
        tour.calls[name] = [f"STREAM {each.removeprefix('btcusdt')}" for each in stream.split("/")]

    def check():
        assert all(heard.values()), {name: len(events) for name, events in heard.items()}
        tour.told_last(heard["trade_socket"][-1], heard["aggtrade_socket"][-1], heard["kline_socket"], heard["symbol_book_ticker_socket"][-1])
        day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
        assert (heard["symbol_ticker_socket"][-1]["c"], heard["symbol_miniticker_socket"][-1]["v"]) == (day["lastPrice"], day["volume"])
        assert heard["miniticker_socket"][-1][0]["s"] == SYMBOL
        assert {event["stream"] for event in heard["multiplex_socket"]} == {"btcusdt@kline_1m", "btcusdt@avgPrice"}
        following = [(before["u"], after["U"]) for before, after in zip(heard["depth_socket"], heard["depth_socket"][1:])]
        assert following and all(after == before + 1 for before, after in following), following

    await agrees(check)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def go():
    global client
    client = await AsyncClient.create("local", "local")
    await market_data()
    await trading()
    await errors()
    await streams()
    await client.close_connection()


asyncio.run(go())
tour.end()
