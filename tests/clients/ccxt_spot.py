"""ccxt: its own calls for everything it knows of spot trading, and the exchange's endpoints as it
names them where it has no call of its own."""

import json
from decimal import Decimal

import ccxt

from tour import LATE, MAKER, SYMBOL, TAKER, Tour, decimal, text

PAIR = "BTC/USDT"


class OfCcxt(Tour):
    def set_clock(self):
        client.load_time_difference()
        client.options["timeDifference"] += LATE

    def code_and_text(self, error):
        # The exception has it in words of its own.
        said = json.loads(client.last_http_response)
        return said["code"], said["msg"]


tour = OfCcxt("ccxt")
client = ccxt.binance({
    "apiKey": "local", "secret": "local", "enableRateLimit": False,
    # Spot alone, and the server's time.
    "options": {
        "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False,
        "adjustForTimeDifference": True,
    },
})
for kind in ("public", "private"):
    client.urls["api"][kind] = f"{tour.url}/api/v3"


def raw(name, **parameters):
    """An endpoint as ccxt names it."""
    return tour(getattr(client, name), parameters, name=name)


def same_as(path):
    """What a plain request to the same endpoint is answered with."""
    expected = tour.get(path)
    return lambda found: found == expected


def general():
    tour(client.load_markets).holds(lambda markets: list(markets) == [PAIR], "one market")
    precision = {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    tour(client.market, PAIR).has(id=SYMBOL, base="BTC", quote="USDT", active=True, spot=True, precision=precision).holds(
        lambda market: market["limits"]["cost"] == {"min": 5.0, "max": 9000000.0}, "the notional's bounds")
    tour(client.fetch_markets).holds(lambda markets: [market["symbol"] for market in markets] == [PAIR], "one market")
    tour(client.fetch_time).holds(lambda now: abs(now - tour.now()) < 1000, "server time")
    tour(client.load_time_difference).holds(
        lambda ahead: abs(client.milliseconds() - ahead - tour.now()) < 2 * LATE, "the clocks' difference")
    raw("public_get_ping").equals({})
    raw("public_get_time").holds(lambda answer: abs(answer["serverTime"] - tour.now()) < 1000, "server time")
    raw("public_get_exchangeinfo", symbol=SYMBOL).holds(
        lambda info: [symbol["symbol"] for symbol in info["symbols"]] == [SYMBOL], "the symbol")
    raw("public_get_executionrules", symbol=SYMBOL).equals(tour.get(f"/api/v3/executionRules?symbol={SYMBOL}"))


def market_data():
    tour.minutes(180)
    bid, ask = tour.book()
    tour(client.fetch_order_book, PAIR, 5).has(symbol=PAIR).holds(
        lambda book: (book["bids"][0][0], book["asks"][0][0]) == (float(bid), float(ask)), "bid and ask").holds(
        lambda book: len(book["bids"]) == len(book["asks"]) == 5, "five levels")
    last = tour.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=1")[0]
    tour(client.fetch_trades, PAIR, limit=3).holds(
        lambda trades: [trade["id"] for trade in trades] == [str(last["a"] - 2), str(last["a"] - 1), str(last["a"])], "the last").holds(
        lambda trades: (trades[2]["price"], trades[2]["amount"], trades[2]["timestamp"]) == (float(last["p"]), float(last["q"]), last["T"]),
        "price, amount, time").holds(
        lambda trades: trades[2]["side"] == ("sell" if last["m"] else "buy"), "the taker's side")
    for interval, count in (("1m", 3), ("5m", 4), ("1h", 3)):
        rows = tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval={interval}&limit={count}")
        expected = [[row[0], *(float(value) for value in row[1:6])] for row in rows]
        tour(client.fetch_ohlcv, PAIR, interval, limit=count).equals(expected).holds(lambda bars: len(bars) == count, "all")
    first = tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&startTime=0&limit=2")
    tour(client.fetch_ohlcv, PAIR, "1m", 1, 2).holds(
        lambda bars: [bar[0] for bar in bars] == [first[0][0], first[0][0] + 60_000], "the first bars")
    day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
    ticker = dict(symbol=PAIR, bid=float(bid), ask=float(ask), last=float(day["lastPrice"]), high=float(day["highPrice"]),
                  low=float(day["lowPrice"]), open=float(day["openPrice"]), vwap=float(day["weightedAvgPrice"]),
                  baseVolume=float(day["volume"]), quoteVolume=float(day["quoteVolume"]))
    tour(client.fetch_ticker, PAIR).has(ticker)
    tour(client.fetch_tickers, [PAIR]).holds(lambda tickers: {**tickers[PAIR], **ticker} == tickers[PAIR], f"{ticker}")
    tour(client.fetch_bids_asks, [PAIR]).holds(
        lambda tickers: (tickers[PAIR]["bid"], tickers[PAIR]["ask"]) == (float(bid), float(ask)), "bid and ask")
    tour(client.fetch_last_prices, [PAIR]).holds(
        lambda prices: prices[PAIR]["price"] == float(day["lastPrice"]), "the last price")
    trades = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=5")
    raw("public_get_trades", symbol=SYMBOL, limit=5).equals(trades).holds(lambda found: len(found) == 5, "five")
    raw("public_get_historicaltrades", symbol=SYMBOL, limit=5, fromId=trades[0]["id"]).equals(trades)
    raw("public_get_aggtrades", symbol=SYMBOL, fromId=last["a"]).equals([last])
    raw("public_get_klines", symbol=SYMBOL, interval="15m", limit=2).holds(
        same_as(f"/api/v3/klines?symbol={SYMBOL}&interval=15m&limit=2"), "the last two")
    raw("public_get_uiklines", symbol=SYMBOL, interval="15m", limit=2).holds(
        same_as(f"/api/v3/klines?symbol={SYMBOL}&interval=15m&limit=2"), "the last two")
    raw("public_get_avgprice", symbol=SYMBOL).has(mins=5, price=tour.get(f"/api/v3/avgPrice?symbol={SYMBOL}")["price"])
    raw("public_get_ticker_price", symbol=SYMBOL).equals({"symbol": SYMBOL, "price": day["lastPrice"]})
    raw("public_get_ticker_bookticker", symbol=SYMBOL).has(bidPrice=text(bid), askPrice=text(ask))
    raw("public_get_ticker_24hr", symbol=SYMBOL).has(lastPrice=day["lastPrice"], count=day["count"], volume=day["volume"])
    raw("public_get_ticker", symbol=SYMBOL, windowSize="1h").has(symbol=SYMBOL, lastPrice=day["lastPrice"])
    raw("public_get_ticker_tradingday", symbol=SYMBOL).has(symbol=SYMBOL, lastPrice=day["lastPrice"])
    raw("public_get_depth", symbol=SYMBOL, limit=2).holds(lambda book: book["bids"][0][0] == text(bid), "the bid")
    missing = (-2043, "This symbol doesn't have a reference price.")
    for name in ("public_get_referenceprice", "public_get_referenceprice_calculation"):
        tour.refused(ccxt.ExchangeError, missing, getattr(client, name), {"symbol": SYMBOL}, name=name)


def filled(answer, quantity, price, side):
    """An order that has taken at once: what it came to, and what it cost."""
    cost, asset = quantity * price, "BTC" if side == "buy" else "USDT"
    fee = ((quantity if side == "buy" else cost) * TAKER).quantize(Decimal("1e-8"), "ROUND_FLOOR")
    return answer.has(status="closed", filled=float(quantity), remaining=0.0, average=float(price), side=side).holds(
        lambda order: abs(order["cost"] - float(cost)) < 1e-8, f"a cost of {cost}").holds(
        lambda order: [(fee["currency"], round(fee["cost"], 8)) for fee in order["fees"]] == [(asset, float(fee))],
        f"a fee of {fee} {asset}")


def market_orders():
    amount = Decimal("0.1")
    answer = tour(client.create_market_buy_order, PAIR, float(amount))
    filled(answer, amount, tour.book()[1], "buy").has(type="market", amount=0.1)
    answer = tour(client.create_market_sell_order, PAIR, 0.01)
    filled(answer, Decimal("0.01"), tour.book()[0], "sell")
    answer = tour(client.create_market_buy_order_with_cost, PAIR, 100)
    ask = tour.book()[1]
    filled(answer, (100 / ask).quantize(Decimal("0.00001"), "ROUND_FLOOR"), ask, "buy")
    answer = tour(client.create_market_sell_order_with_cost, PAIR, 100)
    bid = tour.book()[0]
    filled(answer, (100 / bid).quantize(Decimal("0.00001"), "ROUND_FLOOR"), bid, "sell")
    answer = tour(client.create_market_order_with_cost, PAIR, "buy", 50)
    answer.has(status="closed", side="buy").holds(lambda order: 49.5 < order["cost"] <= 50, "what 50 USDT buy")
    held = tour.get_signed("/api/v3/account")["balances"]
    tour(client.fetch_balance).holds(
        lambda balance: [(balance[each["asset"]]["free"], balance[each["asset"]]["used"]) for each in held]
        == [(float(each["free"]), float(each["locked"])) for each in held], "what plain requests say")
    trades = tour.get_signed("/api/v3/myTrades", symbol=SYMBOL)
    tour(client.fetch_my_trades, PAIR).holds(
        lambda found: [(each["id"], each["price"], each["amount"], each["takerOrMaker"]) for each in found]
        == [(str(each["id"]), float(each["price"]), float(each["qty"]), "taker") for each in trades], "what plain requests say")
    tour(client.fetch_order_trades, "1", PAIR).holds(
        lambda found: [each["order"] for each in found] == ["1"] and found[0]["fee"]["currency"] == "BTC", "of the first")


def limit_orders():
    low, amount = float(tour.near(-5)), 0.01
    locked = lambda: decimal(client.fetch_balance()["USDT"]["used"])
    placed = tour(client.create_limit_buy_order, PAIR, amount, low, {"clientOrderId": "low"})
    placed.has(status="open", filled=0.0, remaining=amount, price=low, type="limit", timeInForce="GTC", clientOrderId="low", trades=[])
    assert locked() == decimal(low) * decimal(amount)
    tour(client.fetch_order, placed["id"], PAIR).has(id=placed["id"], status="open", clientOrderId="low", price=low)
    tour(client.fetch_order, None, PAIR, {"clientOrderId": "low"}, name="fetch_order").has(id=placed["id"])
    tour(client.fetch_open_orders, PAIR).holds(lambda orders: [order["id"] for order in orders] == [placed["id"]], "this one")
    edited = tour(client.edit_order, placed["id"], PAIR, "limit", "buy", amount, float(tour.near(-6)))
    edited.has(status="open", price=float(tour.near(-6))).holds(lambda order: int(order["id"]) > int(placed["id"]), "another order")
    tour(client.cancel_order, edited["id"], PAIR).has(status="canceled", filled=0.0)
    assert locked() == 0
    high = float(tour.near(5))
    tour(client.create_limit_sell_order, PAIR, amount, high).has(status="open", side="sell", price=high)
    tour(client.create_order, PAIR, "limit", "sell", amount, high, {"icebergAmount": 0.005}, name="create_order").has(status="open").holds(
        lambda order: order["info"]["icebergQty"] == "0.00500000", "it shows a half")
    for time_in_force in ("IOC", "FOK"):
        tour(client.create_order, PAIR, "limit", "buy", amount, low, {"timeInForce": time_in_force}, name="create_order").has(
            status="expired", filled=0.0, timeInForce=time_in_force)
    tour(client.create_post_only_order, PAIR, "limit", "buy", amount, low).has(status="open", postOnly=True, price=low)
    tour(client.create_order, PAIR, "limit_maker", "buy", amount, low, name="create_order").has(status="open", postOnly=True)
    raw("private_post_order", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", pegPriceType="PRIMARY_PEG").has(
        status="NEW", pegPriceType="PRIMARY_PEG", peggedPrice=text(tour.book()[0]))
    tour(client.create_order, PAIR, "limit", "buy", amount, low, {"test": True}, name="create_order").has(info={})
    open_orders = tour.get_signed("/api/v3/openOrders", symbol=SYMBOL)
    assert len(open_orders) == 5, open_orders
    tour(client.cancel_all_orders, PAIR).holds(
        lambda orders: [order["id"] for order in orders] == [str(order["orderId"]) for order in open_orders]
        and all(order["status"] == "canceled" for order in orders), "all of them")


def conditional_orders():
    amount, low, high = 0.01, float(tour.near(-5)), float(tour.near(5))
    stop, profit = dict(triggerPrice=low, status="open", side="sell"), dict(triggerPrice=high, status="open", side="sell")
    is_a = lambda kind: lambda order: order["info"]["type"] == kind
    for call, arguments, kind, expected in (
        (client.create_stop_order, ("market", "sell", amount, None, low), "STOP_LOSS", stop),
        (client.create_stop_loss_order, ("market", "sell", amount, None, low), "STOP_LOSS", stop),
        (client.create_stop_limit_order, ("sell", amount, low - 1, low), "STOP_LOSS_LIMIT", {**stop, "price": low - 1}),
        (client.create_take_profit_order, ("market", "sell", amount, None, high), "TAKE_PROFIT", profit),
        (client.create_take_profit_order, ("limit", "sell", amount, high, high), "TAKE_PROFIT_LIMIT", {**profit, "price": high}),
    ):
        tour(call, PAIR, *arguments).has(expected).holds(is_a(kind), kind)
    # There may be five of them.
    tour.refused(ccxt.ExchangeError, (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"), client.create_trigger_order, PAIR, "market", "sell", amount, None, low)
    tour(client.cancel_all_orders, PAIR).holds(lambda orders: len(orders) == 5, "all five")
    tour(client.create_trigger_order, PAIR, "market", "sell", amount, None, low).has(stop).holds(is_a("STOP_LOSS"), "a stop")
    trailing = tour(client.create_trailing_percent_order, PAIR, "market", "sell", amount, None, 1.5, None, {"stopLossOrTakeProfit": "stopLoss"})
    trailing.has(status="open").holds(is_a("STOP_LOSS"), "a stop").holds(lambda order: order["info"]["trailingDelta"] == 150, "150 basis points")
    trailing = tour(client.create_order, PAIR, "take_profit_limit", "sell", amount, high, {"trailingPercent": 2, "trailingTriggerPrice": high})
    trailing.has(status="open", triggerPrice=high).holds(
        lambda order: (order["info"]["trailingDelta"], order["info"]["trailingTime"]) == (200, -1), "it does not trail yet")
    tour.refused(ccxt.OrderImmediatelyFillable, (-2010, "Order would trigger immediately."), client.create_stop_loss_order, PAIR, "market", "sell", amount, None, high)
    tour(client.cancel_all_orders, PAIR).holds(lambda orders: len(orders) == 3, "all three")


def lists():
    high, higher, low, lower = (str(tour.near(share)) for share in (4, 5, -4, -5))
    legs = {"symbol": SYMBOL, "quantity": "0.01", "side": "SELL"}
    placed = raw("private_post_orderlist_oco", **legs, aboveType="LIMIT_MAKER", abovePrice=high, belowType="STOP_LOSS", belowStopPrice=low, listClientOrderId="pair")
    placed.has(contingencyType="OCO", listStatusType="EXEC_STARTED", listOrderStatus="EXECUTING", listClientOrderId="pair", symbol=SYMBOL)
    placed.holds(lambda told: [(leg["type"], leg["status"]) for leg in told["orderReports"]] == [("STOP_LOSS", "NEW"), ("LIMIT_MAKER", "NEW")], "its legs")
    number = placed["orderListId"]
    raw("private_get_orderlist", orderListId=number).has(orderListId=number, listOrderStatus="EXECUTING", orders=placed["orders"])
    raw("private_get_openorderlist").holds(lambda found: [each["orderListId"] for each in found] == [number], "this one")
    raw("private_delete_orderlist", symbol=SYMBOL, orderListId=number).has(listStatusType="ALL_DONE", listOrderStatus="ALL_DONE").holds(
        lambda told: [leg["status"] for leg in told["orderReports"]] == ["CANCELED", "CANCELED"], "both are cancelled")
    raw("private_post_order_oco", **legs, price=high, stopPrice=low, stopLimitPrice=lower, stopLimitTimeInForce="GTC").has(contingencyType="OCO").holds(
        lambda told: [leg["type"] for leg in told["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"], "its legs")
    working = {"symbol": SYMBOL, "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC", "workingPrice": low, "workingQuantity": "0.01"}
    pending = {"pendingType": "LIMIT", "pendingSide": "SELL", "pendingTimeInForce": "GTC", "pendingPrice": high}
    pair = {"pendingSide": "SELL", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": higher, "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": lower}
    waiting = lambda told: [leg["status"] for leg in told["orderReports"]] == ["NEW"] + ["PENDING_NEW"] * (len(told["orders"]) - 1)
    for name, parameters, orders in (
        ("private_post_orderlist_oto", {**working, **pending, "pendingQuantity": "0.01"}, 2),
        ("private_post_orderlist_otoco", {**working, **pair, "pendingQuantity": "0.01"}, 3),
        ("private_post_orderlist_opo", {**working, **pending}, 2),
        ("private_post_orderlist_opoco", {**working, **pair}, 3),
    ):
        placed = raw(name, **parameters).has(contingencyType="OTO", listOrderStatus="EXECUTING")
        placed.holds(lambda told: len(told["orders"]) == len(told["orderReports"]) == orders, "its orders").holds(waiting, "they wait for the first")
    raw("private_get_allorderlist").holds(
        lambda found: [each["listOrderStatus"] for each in found] == ["ALL_DONE"] + ["EXECUTING"] * 5, "all six")
    raw("private_delete_openorders", symbol=SYMBOL).holds(lambda found: [each["listStatusType"] for each in found] == ["ALL_DONE"] * 5, "lists")
    raw("private_get_openorderlist").equals([])


def replacements():
    low, lower = str(tour.near(-5)), str(tour.near(-6))
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    first = raw("private_post_order", **order, price=low).has(status="NEW")
    raw("private_post_order_cancelreplace", **order, price=lower, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=first["orderId"]).has(
        cancelResult="SUCCESS", newOrderResult="SUCCESS").holds(
        lambda told: (told["cancelResponse"]["orderId"], told["newOrderResponse"]["price"]) == (first["orderId"], text(lower)), "both halves")
    failed = (-2022, "Order cancel-replace failed.")
    tour.refused(ccxt.ExchangeError, failed, client.private_post_order_cancelreplace,
                 {**order, "price": lower, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 99_999}, name="private_post_order_cancelreplace")
    partly = (-2021, "Order cancel-replace partially failed.")
    tour.refused(ccxt.ExchangeError, partly, client.private_post_order_cancelreplace,
                 {**order, "price": lower, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 99_999}, name="private_post_order_cancelreplace")
    tour(client.cancel_all_orders, PAIR).holds(lambda orders: len(orders) == 2, "both")


def fills():
    """An order that waits until the market has come to it."""
    amount, price = Decimal("0.01"), tour.near("-0.05")
    placed = tour(client.create_post_only_order, PAIR, "limit", "buy", float(amount), float(price)).has(status="open")
    while tour.get_signed("/api/v3/openOrders", symbol=SYMBOL):
        tour.minutes(10)
    tour(client.fetch_order, placed["id"], PAIR).has(status="closed", filled=float(amount), average=float(price))
    tour(client.fetch_my_trades, PAIR).holds(
        lambda trades: [(trade["takerOrMaker"], trade["price"], trade["order"]) for trade in trades][-1] == ("maker", float(price), placed["id"]),
        "as maker, at its price")


def history():
    orders = tour.get_signed("/api/v3/allOrders", symbol=SYMBOL)
    of = lambda *statuses: {str(order["orderId"]) for order in orders if not statuses or order["status"] in statuses}
    # It sorts them by the time since which they work.
    ids = lambda found: {order["id"] for order in found}
    assert min(map(len, (of("FILLED"), of("CANCELED"), of("EXPIRED")))) >= 2
    tour(client.fetch_orders, PAIR).holds(lambda found: ids(found) == of() and len(found) == len(orders), "all")
    tour(client.fetch_closed_orders, PAIR).holds(lambda found: ids(found) == of("FILLED"), "those that are filled")
    tour(client.fetch_canceled_orders, PAIR).holds(lambda found: ids(found) == of("CANCELED"), "those that were cancelled")
    tour(client.fetch_canceled_and_closed_orders, PAIR).holds(
        lambda found: ids(found) >= of("FILLED", "CANCELED"), "those that were cancelled or filled")
    raw("private_get_allorders", symbol=SYMBOL, limit=3).equals(orders[-3:])
    raw("private_get_order", symbol=SYMBOL, orderId=1).equals(orders[0])
    raw("private_get_openorders").equals([])
    raw("private_get_account", omitZeroBalances="true").has(accountType="SPOT", canTrade=True, permissions=["SPOT"])
    raw("private_get_mytrades", symbol=SYMBOL, orderId=1).holds(lambda trades: trades[0]["qty"] == "0.10000000", "of the first")
    raw("private_get_account_commission", symbol=SYMBOL).has(symbol=SYMBOL).holds(
        lambda told: told["standardCommission"] == {"maker": text(MAKER), "taker": text(TAKER), "buyer": text(0), "seller": text(0)}, "its rates")
    raw("private_get_ratelimit_order").holds(
        lambda limits: [(limit["interval"], limit["intervalNum"], limit["limit"]) for limit in limits] == [("SECOND", 10, 50), ("DAY", 1, 160_000)], "two limits")


def prevention():
    """Two orders that would trade with each other."""
    filled_at = raw("private_post_order", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01").has(status="FILLED")
    price = filled_at["fills"][0]["price"]
    maker = raw("private_post_order", symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price).has(status="NEW")
    taker = raw("private_post_order", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price, selfTradePreventionMode="EXPIRE_TAKER")
    taker.has(status="EXPIRED_IN_MATCH", selfTradePreventionMode="EXPIRE_TAKER")
    raw("private_get_mypreventedmatches", symbol=SYMBOL, orderId=taker["orderId"]).holds(
        lambda told: [(each["takerOrderId"], each["makerOrderId"], each["price"]) for each in told] == [(taker["orderId"], maker["orderId"], price)], "the two")
    tour(client.cancel_order, str(maker["orderId"]), PAIR).has(status="canceled")


def keys():
    """Keys that are no shared secret sign as well."""
    for api_key, private_key in tour.private_keys:
        client.apiKey, client.secret = api_key, private_key
        tour(client.fetch_balance).holds(lambda balance: balance["USDT"]["total"] > 0, "the account")
        raw("private_post_order_test", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01").equals({})
        raw("private_get_order", symbol=SYMBOL, orderId=1).has(orderId=1)
    client.apiKey = client.secret = "local"


def errors():
    low = float(tour.near(-5))
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "20000"}
    for kind, said, name, parameters in (
        (ccxt.BadSymbol, (-1121, "Invalid symbol."), "public_get_depth", {"symbol": "NONE"}),
        (ccxt.BadRequest, (-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."), "public_get_depth", {}),
        (ccxt.BadRequest, (-1120, "Invalid interval."), "public_get_klines", {"symbol": SYMBOL, "interval": "7m"}),
        (ccxt.BadRequest, (-1101, "Too many parameters; expected '1' and received '2'."), "public_get_avgprice", {"symbol": SYMBOL, "no": 1}),
        (ccxt.BadRequest, (-1117, "Invalid side."), "private_post_order", {**order, "side": "HOLD"}),
        (ccxt.BadRequest, (-1116, "Invalid orderType."), "private_post_order", {**order, "type": "MAYBE"}),
        (ccxt.BadRequest, (-1115, "Invalid timeInForce."), "private_post_order", {**order, "timeInForce": "GTX"}),
        (ccxt.BadRequest, (-1106, "Parameter 'timeInForce' sent when not required."), "private_post_order", {**order, "type": "LIMIT_MAKER"}),
        (ccxt.InvalidOrder, (-1013, "Filter failure: PRICE_FILTER"), "private_post_order", {**order, "price": "20000.001"}),
        (ccxt.InvalidOrder, (-1013, "Filter failure: LOT_SIZE"), "private_post_order", {**order, "quantity": "0.000001"}),
        (ccxt.BadRequest, (-1013, "Filter failure: NOTIONAL"), "private_post_order", {**order, "quantity": "0.0001"}),
        (ccxt.BadRequest, (-1111, "Parameter 'quantity' has too much precision."), "private_post_order", {**order, "quantity": "0.0100000001"}),
        (ccxt.InsufficientFunds, (-2010, "Account has insufficient balance for requested action."), "private_post_order", {**order, "quantity": "100"}),
        (ccxt.OrderNotFound, (-2013, "Order does not exist."), "private_get_order", {"symbol": SYMBOL, "orderId": 99_999}),
        (ccxt.OrderNotFound, (-2011, "Unknown order sent."), "private_delete_order", {"symbol": SYMBOL, "orderId": 99_999}),
    ):
        tour.refused(kind, said, getattr(client, name), parameters, name=name)
    tour.refused(ccxt.OrderNotFound, (-2013, "Order does not exist."), client.fetch_order, "99999", PAIR)
    tour.refused(ccxt.OrderNotFound, (-2011, "Unknown order sent."), client.cancel_order, "99999", PAIR)
    tour.refused(ccxt.InsufficientFunds, (-2010, "Account has insufficient balance for requested action."), client.create_limit_buy_order, PAIR, 1, low)
    tour.refused(ccxt.OrderImmediatelyFillable, (-2010, "Order would immediately match and take."), client.create_post_only_order, PAIR, "limit", "buy", 0.01, float(tour.near(1)))
    client.secret = "another"
    tour.refused(ccxt.AuthenticationError, (-1022, "Signature for this request is not valid."), client.fetch_balance)
    client.apiKey, client.secret = "another", "local"
    tour.refused(ccxt.DDoSProtection, (-2015, "Invalid API-key, IP, or permissions for action."), client.fetch_balance)
    client.apiKey = "no key"
    tour.refused(ccxt.AuthenticationError, (-2014, "API-key format invalid."), client.fetch_balance)
    client.apiKey = "local"
    tour.set_clock = lambda: client.options.update(timeDifference=client.milliseconds() - tour.now() + 60_000)
    tour.refused(ccxt.InvalidNonce, (-1021, "Timestamp for this request is outside of the recvWindow."), client.fetch_balance)
    tour.set_clock = lambda: client.options.update(timeDifference=client.milliseconds() - tour.now() - 60_000)
    tour.refused(ccxt.InvalidNonce, (-1021, "Timestamp for this request was 1000ms ahead of the server's time."), client.fetch_balance)


for part in (general, market_data, market_orders, limit_orders, conditional_orders, lists, replacements, fills, history, prevention, keys, errors):
    part()
tour.end()
