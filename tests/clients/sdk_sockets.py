"""binance-sdk-spot over WebSockets: its client of the WebSocket API, user data, market streams."""

import asyncio
from decimal import Decimal

from binance_sdk_spot.spot import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams, Spot

from sockets import SocketTour, agrees, comes
from tour import MAKER, SYMBOL, TAKER, OnMachineTime, decimal, plain, text


class OfSdk(OnMachineTime, SocketTour):
    def of(self, answer):
        told = plain(getattr(answer, "response", answer))
        # The members of its classes that are absent are None.
        without = lambda value: (
            {name: without(each) for name, each in value.items() if each is not None} if isinstance(value, dict)
            else [without(each) for each in value] if isinstance(value, list) else value)
        told = without(told)
        return told["result"] if isinstance(told, dict) and "result" in told else told


tour = OfSdk("binance-sdk-spot")
sockets = tour.url.replace("http", "ws")
spot = Spot(
    config_ws_api=ConfigurationWebSocketAPI("local", "local", stream_url=f"{sockets}/ws-api/v3"),
    config_ws_streams=ConfigurationWebSocketStreams(stream_url=sockets),
)


async def market_data(client):
    tour.catch_up(10)
    (await tour.ask(client.ping)).equals({})
    (await tour.ask(client.time)).holds(lambda told: abs(told["serverTime"] - tour.now()) < 1000, "server time")
    (await tour.ask(client.exchange_info, symbol=SYMBOL)).holds(lambda info: [each["symbol"] for each in info["symbols"]] == [SYMBOL], "the market")
    (await tour.ask(client.execution_rules, symbol=SYMBOL)).equals(tour.get(f"/api/v3/executionRules?symbol={SYMBOL}"))
    bid, ask = tour.book()
    (await tour.ask(client.depth, symbol=SYMBOL, limit=5)).equals(tour.get(f"/api/v3/depth?symbol={SYMBOL}&limit=5")).holds(
        lambda book: (len(book["bids"]), book["asks"][0][0]) == (5, text(ask)), "five levels")
    trades = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=4")
    (await tour.ask(client.trades_recent, symbol=SYMBOL, limit=4)).equals(trades)
    (await tour.ask(client.trades_historical, symbol=SYMBOL, limit=2, from_id=trades[0]["id"])).equals(trades[:2])
    (await tour.ask(client.trades_aggregate, symbol=SYMBOL, limit=4)).equals(tour.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=4"))
    for call in (client.klines, client.ui_klines):
        (await tour.ask(call, symbol=SYMBOL, interval="1m", limit=3)).equals(tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&limit=3")).holds(
            lambda bars: len(bars) == 3, "three bars")
    (await tour.ask(client.avg_price, symbol=SYMBOL)).has(mins=5, price=tour.get(f"/api/v3/avgPrice?symbol={SYMBOL}")["price"])
    for call, path in ((client.ticker24hr, "ticker/24hr"), (client.ticker_trading_day, "ticker/tradingDay"), (client.ticker, "ticker")):
        (await tour.ask(call, symbol=SYMBOL)).has(tour.get(f"/api/v3/{path}?symbol={SYMBOL}"))
    (await tour.ask(client.ticker_price, symbol=SYMBOL)).equals(tour.get(f"/api/v3/ticker/price?symbol={SYMBOL}"))
    (await tour.ask(client.ticker_book, symbol=SYMBOL)).has(symbol=SYMBOL, bidPrice=text(bid), askPrice=text(ask))
    missing = {"code": -2043, "msg": "This symbol doesn't have a reference price."}
    for call in (client.reference_price, client.reference_price_calculation):
        (await tour.ask(call, symbol=SYMBOL)).has(error=missing)


async def trading(client):
    """Every change is answered, and told of to those who listen."""
    wide = {"recv_window": 60_000}
    tour.set_clock()
    subscribed = await client.user_data_stream_subscribe_signature()
    told = []
    subscribed.stream.on("message", lambda event: told.append(plain(event.actual_instance)))

    async def heard(*expected):
        """What was told since the last time: kinds of events, of reports what has happened."""
        await comes(lambda: len(told) >= len(expected))
        kinds = [event["x"] if "x" in event else "list" if "l" in event else "position" for event in told]
        assert kinds == list(expected), f"heard {kinds}, expected {expected}"
        events = list(told)
        told.clear()
        return events

    tour.calls["user_data_stream_subscribe_signature"] = ["WS userDataStream.subscribe.signature"]
    (await tour.ask(client.account_commission, symbol=SYMBOL)).holds(lambda rates: rates["standardCommission"]["taker"] == text(TAKER), "its rates")
    tour.catch_up(20)
    bought = await tour.ask(client.order_place, symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.1, **wide)
    ask = tour.book()[1]
    bought.has(status="FILLED", executedQty="0.10000000", cummulativeQuoteQty=text(ask / 10), orderId=1)
    new, trade, position = await heard("NEW", "TRADE", "position")
    assert (new["X"], new["q"], new["n"], trade["X"], trade["L"], trade["n"], trade["N"]) == (
        "NEW", "0.10000000", "0", "FILLED", text(ask), text(TAKER / 10), "BTC"), trade
    assert [each["f"] for each in position["B"] if each["a"] == "BTC"] == [text(Decimal("0.1") - TAKER / 10)], position
    low, high, higher, lower = (float(tour.near(share)) for share in (-5, 5, 6, -6))
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": low}
    placed = (await tour.ask(client.order_place, **limit, new_client_order_id="low", **wide)).has(status="NEW", price=text(low), clientOrderId="low")
    await heard("NEW", "position")
    (await tour.ask(client.order_status, symbol=SYMBOL, order_id=placed["orderId"], **wide)).has(status="NEW", clientOrderId="low")
    (await tour.ask(client.open_orders_status, symbol=SYMBOL, **wide)).holds(lambda orders: [each["clientOrderId"] for each in orders] == ["low"], "it")
    (await tour.ask(client.order_amend_keep_priority, symbol=SYMBOL, order_id=placed["orderId"], new_qty=0.004, new_client_order_id="less", **wide)).holds(
        lambda told: told["amendedOrder"]["qty"] == "0.00400000", "less")
    amended = (await heard("REPLACED", "position"))[0]
    assert (amended["c"], amended["C"], amended["q"]) == ("less", "low", "0.00400000"), amended
    (await tour.ask(client.order_amendments, symbol=SYMBOL, order_id=placed["orderId"], **wide)).holds(lambda found: len(found) == 1, "one")
    (await tour.ask(client.order_cancel_replace, **limit, cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=placed["orderId"], **wide)).has(
        cancelResult="SUCCESS", newOrderResult="SUCCESS")
    await heard("CANCELED", "NEW", "position")
    (await tour.ask(client.order_cancel, symbol=SYMBOL, order_id=placed["orderId"] + 1, **wide)).has(status="CANCELED")
    await heard("CANCELED", "position")
    (await tour.ask(client.order_test, **limit, **wide)).equals({})
    legs = {"symbol": SYMBOL, "quantity": 0.01, "side": "SELL"}
    oco = await tour.ask(client.order_list_place_oco, **legs, above_type="LIMIT_MAKER", above_price=high, below_type="STOP_LOSS", below_stop_price=low, **wide)
    oco.has(contingencyType="OCO", listOrderStatus="EXECUTING")
    status = (await heard("NEW", "NEW", "list", "position"))[2]
    assert (status["l"], status["L"], [each["i"] for each in status["O"]]) == ("EXEC_STARTED", "EXECUTING", [each["orderId"] for each in oco["orders"]])
    (await tour.ask(client.order_list_status, order_list_id=oco["orderListId"], **wide)).has(listOrderStatus="EXECUTING")
    (await tour.ask(client.open_order_lists_status, **wide)).holds(lambda lists: len(lists) == 1, "one")
    (await tour.ask(client.order_list_cancel, symbol=SYMBOL, order_list_id=oco["orderListId"], **wide)).has(listOrderStatus="ALL_DONE")
    await heard("CANCELED", "CANCELED", "list", "position")
    (await tour.ask(client.order_list_place, **legs, price=high, stop_price=low, **wide)).has(contingencyType="OCO")
    working = {"symbol": SYMBOL, "working_type": "LIMIT", "working_side": "BUY", "working_time_in_force": "GTC", "working_price": low, "working_quantity": 0.01}
    pending = {"pending_type": "LIMIT", "pending_side": "SELL", "pending_time_in_force": "GTC", "pending_price": high}
    pair = {"pending_side": "SELL", "pending_above_type": "LIMIT_MAKER", "pending_above_price": higher,
            "pending_below_type": "STOP_LOSS", "pending_below_stop_price": lower}
    for call, parameters, orders in (
        (client.order_list_place_oto, {**pending, "pending_quantity": 0.01}, 2),
        (client.order_list_place_otoco, {**pair, "pending_quantity": 0.01}, 3),
        (client.order_list_place_opo, pending, 2),
        (client.order_list_place_opoco, pair, 3),
    ):
        (await tour.ask(call, **working, **parameters, **wide)).has(contingencyType="OTO").holds(lambda told: len(told["orders"]) == orders, "its orders")
    (await tour.ask(client.all_order_lists, **wide)).holds(
        lambda lists: [each["listOrderStatus"] for each in lists] == ["ALL_DONE"] + ["EXECUTING"] * 5, "all six")
    (await tour.ask(client.open_orders_cancel_all, symbol=SYMBOL, **wide)).holds(lambda found: len(found) == 5, "five lists")
    sizes = (2, 2, 3, 2, 3)
    placed, cancelled = ([kind for size in sizes for kind in (*[change] * size, "list", *each)] for change, each in (("NEW", ["position"]), ("CANCELED", [])))
    await heard(*placed, *cancelled, "position")

    # Orders at bid and ask: whichever way the market goes, it fills one of them.
    (await tour.ask(client.order_place, symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.01, **wide)).has(status="FILLED")
    for side, price in zip(("BUY", "SELL"), tour.book()):
        maker = {"symbol": SYMBOL, "side": side, "type": "LIMIT_MAKER", "quantity": 0.01, "price": float(price), "new_order_resp_type": "RESULT"}
        (await tour.ask(client.order_place, **maker, new_client_order_id=side, **wide)).has(status="NEW")
    await heard("NEW", "TRADE", "position", *["NEW", "position"] * 2)
    await tour.moved()
    filled = (await heard("TRADE", "position"))[0]
    commission = MAKER / 100 if filled["S"] == "BUY" else (decimal(filled["L"]) * MAKER / 100).quantize(Decimal("1e-8"), "ROUND_FLOOR")
    assert (filled["m"], filled["X"], filled["L"], filled["n"]) == (True, "FILLED", filled["p"], text(commission)), filled
    (await tour.ask(client.my_trades, symbol=SYMBOL, order_id=filled["i"], **wide)).holds(lambda trades: trades[0]["isMaker"], "as maker")
    taken = await tour.ask(client.order_place, symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01, **wide)
    price = float(taken.has(status="FILLED")["fills"][0]["price"])
    own = {"symbol": SYMBOL, "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": price}
    (await tour.ask(client.order_place, **own, side="SELL", **wide)).has(status="NEW")
    taker = await tour.ask(client.order_place, **own, side="BUY", self_trade_prevention_mode="EXPIRE_TAKER", **wide)
    taker.has(status="EXPIRED_IN_MATCH")
    (await tour.ask(client.my_prevented_matches, symbol=SYMBOL, order_id=taker["orderId"], **wide)).holds(lambda found: len(found) == 1, "one")
    (await tour.ask(client.account_status, **wide)).has(accountType="SPOT", balances=tour.get_signed("/api/v3/account")["balances"])
    (await tour.ask(client.all_orders, symbol=SYMBOL, **wide)).holds(
        lambda orders: [each["orderId"] for each in orders] == [each["orderId"] for each in tour.get_signed("/api/v3/allOrders", symbol=SYMBOL)], "all")
    (await tour.ask(client.account_rate_limits_orders, **wide)).holds(lambda limits: [each["limit"] for each in limits] == [50, 160_000], "two limits")
    # Its class for this answer has no member for the result.
    (await tour.ask(client.my_filters, symbol=SYMBOL, **wide)).holds(lambda told: list(told) == ["rateLimits"], "what it has members for")
    for said, other in (
        ((-1013, "Filter failure: PRICE_FILTER"), {"price": 20000.001}),
        ((-1117, "Invalid side."), {"side": "HOLD"}),
        ((-2010, "Account has insufficient balance for requested action."), {"quantity": 100}),
    ):
        (await tour.ask(client.order_place, **{**limit, **other}, **wide)).has(error={"code": said[0], "msg": said[1]})
    (await tour.ask(client.order_status, symbol=SYMBOL, order_id=99_999, **wide)).has(error={"code": -2013, "msg": "Order does not exist."})


async def session():
    """A key that is no shared secret logs on, and what follows is not signed any more."""
    api_key, private_key = tour.private_keys[1]
    configuration = ConfigurationWebSocketAPI(api_key, None, private_key, stream_url=f"{sockets}/ws-api/v3")
    client = await Spot(config_ws_api=configuration).websocket_api.create_connection()
    (await tour.ask(client.session_logon)).has(apiKey=api_key, userDataStream=False)
    (await tour.ask(client.user_data_stream_subscribe)).has(subscriptionId=0)
    (await tour.ask(client.session_status)).has(apiKey=api_key, userDataStream=True)
    (await tour.ask(client.session_subscriptions)).equals([{"subscriptionId": 0}])
    (await tour.ask(client.account_status)).has(accountType="SPOT")
    (await tour.ask(client.user_data_stream_unsubscribe, subscription_id=0)).equals({})
    (await tour.ask(client.session_logout)).holds(lambda told: told.get("apiKey") is None, "nobody")
    await client.close_connection()


async def streams():
    """What the streams tell agrees with what can be asked for."""
    client = await spot.websocket_streams.create_connection()
    heard = {}
    opened = []
    for call, parameters in (
        (client.agg_trade, {"symbol": "btcusdt"}), (client.trade, {"symbol": "btcusdt"}),
        (client.kline, {"symbol": "btcusdt", "interval": "1m"}), (client.mini_ticker, {"symbol": "btcusdt"}),
        (client.ticker, {"symbol": "btcusdt"}), (client.book_ticker, {"symbol": "btcusdt"}), (client.avg_price, {"symbol": "btcusdt"}),
        (client.partial_book_depth, {"symbol": "btcusdt", "levels": "5"}), (client.diff_book_depth, {"symbol": "btcusdt"}),
        (client.rolling_window_ticker, {"symbol": "btcusdt", "window_size": "1h"}), (client.all_mini_ticker, {}),
    ):
        name = call.__name__
        heard[name] = []
        tour.sent.clear()
        stream = await call(**parameters)
        stream.on("message", lambda event, name=name: heard[name].append(plain(event)))
        tour.calls[name + " (stream)"] = list(tour.sent)
        opened.append(stream)
    (await tour.ask(client.list_subscribe)).holds(lambda told: len(told) == len(opened), "all streams")
    snapshot = tour.get(f"/api/v3/depth?symbol={SYMBOL}&limit=5000")
    await tour.moved(5)

    def check():
        assert all(heard.values()), {name: len(events) for name, events in heard.items()}
        tour.told_last(heard["trade"][-1], heard["agg_trade"][-1], heard["kline"], heard["book_ticker"][-1])
        day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
        assert (heard["ticker"][-1]["c"], heard["ticker"][-1]["v"], heard["mini_ticker"][-1]["c"]) == (day["lastPrice"], day["volume"], day["lastPrice"])
        follow(snapshot, heard["diff_book_depth"])

    await agrees(check)
    for stream in opened:
        await stream.unsubscribe()
    tour.calls["unsubscribe"] = ["UNSUBSCRIBE"]
    (await tour.ask(client.list_subscribe)).holds(lambda told: not told, "none")
    await client.close_connection()


def follow(snapshot, differences):
    """A book that is kept by differences, as the documents say, stays the exchange's."""
    book = {side: dict(map(tuple, snapshot[side])) for side in ("bids", "asks")}
    last = snapshot["lastUpdateId"]
    for event in differences:
        if event["u"] <= last:
            continue
        assert event["U"] <= last + 1, f"after {last} comes {event['U']}"
        for side, name in (("bids", "b"), ("asks", "a")):
            for price, quantity in event[name]:
                book[side].pop(price, None) if decimal(quantity) == 0 else book[side].update({price: quantity})
        last = event["u"]
    now = tour.get(f"/api/v3/depth?symbol={SYMBOL}&limit=5")
    best = {"bids": sorted(book["bids"].items(), key=lambda level: -decimal(level[0]))[:5],
            "asks": sorted(book["asks"].items(), key=lambda level: decimal(level[0]))[:5]}
    assert now["lastUpdateId"] == last, (now["lastUpdateId"], last)
    for side in best:
        assert [list(level) for level in best[side]] == now[side], (best[side], now[side])


async def go():
    client = await spot.websocket_api.create_connection()
    await session()
    await trading(client)
    await market_data(client)
    await client.close_connection()
    await streams()


asyncio.run(go())
tour.end()
