"""python-binance: every call of its synchronous client that goes to spot's /api/v3."""

from decimal import Decimal

from binance.client import Client
from binance.exceptions import BinanceAPIException

from tour import LATE, MAKER, SYMBOL, TAKER, Tour, decimal, text


class OfPythonBinance(Tour):
    def set_clock(self):
        client.timestamp_offset = self.now() - int(self.wall() * 1000) - LATE

    def code_and_text(self, error):
        return error.code, error.message


tour = OfPythonBinance("python-binance")
Client.API_URL = f"{tour.url}/api"
client = Client("local", "local")


def same_as(path):
    """What a plain request to the same endpoint is answered with."""
    expected = tour.get(path)
    return lambda found: found == expected


def refused(said, call, **parameters):
    tour.refused(BinanceAPIException, said, call, **parameters)


def general():
    tour(client.ping).equals({})
    tour(client.get_server_time).holds(lambda told: abs(told["serverTime"] - tour.now()) < 1000, "server time")
    tour(client.get_exchange_info).has(timezone="UTC", exchangeFilters=[]).holds(
        lambda info: [symbol["symbol"] for symbol in info["symbols"]] == [SYMBOL], "one market")
    filters = lambda symbol: {each["filterType"]: each for each in symbol["filters"]}
    tour(client.get_symbol_info, SYMBOL).has(symbol=SYMBOL, status="TRADING", baseAsset="BTC", quoteAsset="USDT", quotePrecision=8).holds(
        lambda symbol: filters(symbol)["LOT_SIZE"]["stepSize"] == "0.00001000" and filters(symbol)["PRICE_FILTER"]["tickSize"] == "0.01000000",
        "its filters")


def market_data():
    tour.minutes(180)
    bid, ask = tour.book()
    day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
    tour(client.get_all_tickers).equals([{"symbol": SYMBOL, "price": day["lastPrice"]}])
    tour(client.get_orderbook_tickers).holds(lambda tickers: [(each["bidPrice"], each["askPrice"]) for each in tickers] == [(text(bid), text(ask))], "bid and ask")
    tour(client.get_orderbook_ticker, symbol=SYMBOL).has(symbol=SYMBOL, bidPrice=text(bid), askPrice=text(ask))
    tour(client.get_order_book, symbol=SYMBOL, limit=5).holds(same_as(f"/api/v3/depth?symbol={SYMBOL}&limit=5"), "the book").holds(
        lambda book: (len(book["bids"]), book["asks"][0][0]) == (5, text(ask)), "five levels")
    trades = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=4")
    tour(client.get_recent_trades, symbol=SYMBOL, limit=4).equals(trades).holds(lambda found: len(found) == 4, "four")
    tour(client.get_historical_trades, symbol=SYMBOL, limit=2, fromId=trades[0]["id"]).equals(trades[:2])
    joined = tour.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=4")
    tour(client.get_aggregate_trades, symbol=SYMBOL, limit=4).equals(joined)
    tour.note("aggregate_trade_iter", lambda: list(client.aggregate_trade_iter(SYMBOL, last_id=joined[0]["a"]))).equals(joined[1:])
    for interval in ("1m", "15m", "1h"):
        tour(client.get_klines, symbol=SYMBOL, interval=interval, limit=3).equals(tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval={interval}&limit=3")).holds(
            lambda bars: len(bars) == 3 and all(len(bar) == 12 for bar in bars), "three bars of twelve")
    tour(client.get_ui_klines, symbol=SYMBOL, interval="1h", limit=2).equals(tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1h&limit=2"))
    all_of_them = tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=1m&limit=1000")
    assert len(all_of_them) > 150
    tour(client.get_historical_klines, SYMBOL, "1m", 0).equals(all_of_them)
    start = all_of_them[10][0]
    generator = lambda: list(client.get_historical_klines_generator(SYMBOL, "1m", start, all_of_them[19][0]))
    tour.note("get_historical_klines_generator", generator).equals(all_of_them[10:20])
    tour(client.get_avg_price, symbol=SYMBOL).has(mins=5, price=tour.get(f"/api/v3/avgPrice?symbol={SYMBOL}")["price"])
    tour(client.get_ticker, symbol=SYMBOL).has(day).holds(lambda ticker: ticker["closeTime"] - ticker["openTime"] == 86_400_000, "a day")
    tour(client.get_symbol_ticker, symbol=SYMBOL).equals({"symbol": SYMBOL, "price": day["lastPrice"]})
    tour(client.get_symbol_ticker_window, symbol=SYMBOL, windowSize="1h").has(tour.get(f"/api/v3/ticker?symbol={SYMBOL}&windowSize=1h"))
    tour(client.v3_get_ticker_trading_day, symbol=SYMBOL).equals(tour.get(f"/api/v3/ticker/tradingDay?symbol={SYMBOL}")).has(lastPrice=day["lastPrice"])


def filled(answer, quantity, price, side):
    """An order that has taken at once: what it came to, and what it cost."""
    quantity, cost = decimal(quantity), decimal(quantity) * price
    fee, asset = (quantity, "BTC") if side == "BUY" else (cost, "USDT")
    fee = (fee * TAKER).quantize(Decimal("1e-8"), "ROUND_FLOOR")
    fills = [{"price": text(price), "qty": text(quantity), "commission": text(fee), "commissionAsset": asset}]
    return answer.has(status="FILLED", executedQty=text(quantity), cummulativeQuoteQty=text(cost), side=side, type="MARKET").holds(
        lambda order: [{**fill, "tradeId": 0} for fill in order["fills"]] == [{**fill, "tradeId": 0} for fill in fills], f"fills {fills}")


def market_orders():
    filled(tour(client.order_market_buy, symbol=SYMBOL, quantity="0.1"), "0.1", tour.book()[1], "BUY").has(
        orderId=1, orderListId=-1, origQty="0.10000000", price="0.00000000", timeInForce="GTC", selfTradePreventionMode="NONE")
    filled(tour(client.order_market_sell, symbol=SYMBOL, quantity="0.01"), "0.01", tour.book()[0], "SELL")
    answer = tour(client.order_market, symbol=SYMBOL, side="BUY", quoteOrderQty=100)
    ask = tour.book()[1]
    filled(answer, (100 / ask).quantize(Decimal("0.00001"), "ROUND_FLOOR"), ask, "BUY").has(origQuoteOrderQty="100.00000000")
    acknowledged = tour(client.create_order, symbol=SYMBOL, side="SELL", type="MARKET", quantity=0.01, newOrderRespType="ACK")
    acknowledged.holds(lambda order: list(order) == ["symbol", "orderId", "orderListId", "clientOrderId", "transactTime"], "no more than that")
    filled_at = tour(client.get_order, symbol=SYMBOL, orderId=acknowledged["orderId"]).has(status="FILLED", executedQty="0.01000000", isWorking=True)
    balances = {each["asset"]: each for each in tour.get_signed("/api/v3/account")["balances"]}
    assert decimal(balances["BTC"]["free"]) > 0
    tour(client.get_account).has(accountType="SPOT", canTrade=True, balances=list(balances.values()))
    tour(client.get_asset_balance, "BTC").equals(balances["BTC"])
    trades = tour.get_signed("/api/v3/myTrades", symbol=SYMBOL)
    tour(client.get_my_trades, symbol=SYMBOL).equals(trades).holds(
        lambda found: [(each["isBuyer"], each["isMaker"]) for each in found] == [(True, False), (False, False), (True, False), (False, False)], "four as taker")
    tour(client.get_my_trades, symbol=SYMBOL, orderId=filled_at["orderId"]).equals(trades[-1:])


def limit_orders():
    low, high = str(tour.near(-5)), str(tour.near(5))
    new = dict(status="NEW", executedQty="0.00000000", origQty="0.01000000", fills=[])
    placed = tour(client.order_limit_buy, symbol=SYMBOL, quantity="0.01", price=low, newClientOrderId="low").has(new, price=text(low), clientOrderId="low")
    tour(client.get_asset_balance, "USDT").has(locked=text(decimal(low) / 100))
    tour(client.get_order, symbol=SYMBOL, origClientOrderId="low").has(orderId=placed["orderId"], status="NEW", time=placed["transactTime"])
    tour(client.get_open_orders, symbol=SYMBOL).holds(lambda orders: [order["orderId"] for order in orders] == [placed["orderId"]], "this one")
    tour(client.cancel_order, symbol=SYMBOL, orderId=placed["orderId"], newClientOrderId="end").has(status="CANCELED", origClientOrderId="low", clientOrderId="end")
    tour(client.order_limit_sell, symbol=SYMBOL, quantity="0.01", price=high).has(new, side="SELL", price=text(high))
    tour(client.order_limit, symbol=SYMBOL, side="SELL", quantity="0.01", price=high, icebergQty="0.005").has(new, icebergQty="0.00500000")
    for time_in_force, reason in (("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")):
        tour(client.order_limit_buy, symbol=SYMBOL, quantity="0.01", price=low, timeInForce=time_in_force).has(
            status="EXPIRED", timeInForce=time_in_force, expiryReason=reason)
    maker = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.01"}
    tour(client.create_order, **maker, price=low, newOrderRespType="RESULT").has(status="NEW", type="LIMIT_MAKER", workingTime=tour.now())
    tour(client.create_order, **maker, pegPriceType="PRIMARY_PEG", newOrderRespType="FULL").has(
        status="NEW", price="0.00000000", pegPriceType="PRIMARY_PEG", peggedPrice=text(tour.book()[0]))
    tour(client.create_order, symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=low, strategyId=7, strategyType=1_000_000).has(
        new, strategyId=7, strategyType=1_000_000)
    tour(client.create_test_order, **maker, price=low).equals({})
    rates = {"maker": text(MAKER), "taker": text(TAKER)}
    tour(client.create_test_order, **maker, price=low, computeCommissionRates="true").has(standardCommissionForOrder=rates)
    tour(client.cancel_all_open_orders, symbol=SYMBOL).holds(lambda orders: [order["status"] for order in orders] == ["CANCELED"] * 5, "five")
    tour(client.get_open_orders).equals([])


def conditional_orders():
    low, lower, high = (str(tour.near(share)) for share in (-5, -6, 5))
    sell = {"symbol": SYMBOL, "side": "SELL", "quantity": "0.01", "newOrderRespType": "RESULT"}
    for kind, parameters in (
        ("STOP_LOSS", {"stopPrice": low}),
        ("STOP_LOSS_LIMIT", {"stopPrice": low, "price": lower, "timeInForce": "GTC"}),
        ("TAKE_PROFIT", {"stopPrice": high}),
        ("TAKE_PROFIT_LIMIT", {"stopPrice": high, "price": high, "timeInForce": "GTC"}),
    ):
        prices = {name: text(value) for name, value in parameters.items() if name != "timeInForce"}
        tour(client.create_order, **sell, type=kind, **parameters).has(prices, status="NEW", type=kind, workingTime=-1)
    tour(client.create_order, **sell, type="STOP_LOSS", trailingDelta=150).has(status="NEW", trailingDelta=150, stopPrice=text(0)).holds(
        lambda order: order["trailingTime"] == order["transactTime"], "it trails")
    refused((-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"), client.create_order, **sell, type="STOP_LOSS", stopPrice=low)
    tour(client.cancel_all_open_orders, symbol=SYMBOL).holds(lambda orders: len(orders) == 5, "five")
    refused((-2010, "Order would trigger immediately."), client.create_order, **sell, type="TAKE_PROFIT", stopPrice=low)
    tour(client.create_order, **sell, type="TAKE_PROFIT", stopPrice=high, trailingDelta=200).has(trailingTime=-1, trailingDelta=200, stopPrice=text(high))
    tour(client.cancel_all_open_orders, symbol=SYMBOL).holds(lambda orders: orders[0]["stopPrice"] == text(high), "it")


def lists():
    high, higher, low, lower = (str(tour.near(share)) for share in (4, 5, -4, -5))
    legs = {"symbol": SYMBOL, "quantity": "0.01", "aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": low}
    for call, parameters in ((client.create_oco_order, {"side": "SELL"}), (client.order_oco_sell, {})):
        placed = tour(call, **legs, **parameters).has(contingencyType="OCO", listStatusType="EXEC_STARTED", listOrderStatus="EXECUTING").holds(
            lambda told: [(leg["type"], leg["status"]) for leg in told["orderReports"]] == [("STOP_LOSS", "NEW"), ("LIMIT_MAKER", "NEW")], "its legs")
        number = placed["orderListId"]
        tour(client.v3_get_order_list, orderListId=number).has(orderListId=number, listOrderStatus="EXECUTING", orders=placed["orders"])
        tour(client.get_open_oco_orders).holds(lambda found: [each["orderListId"] for each in found] == [number], "this one")
        tour(client.v3_delete_order_list, symbol=SYMBOL, orderListId=number).has(listOrderStatus="ALL_DONE").holds(
            lambda told: [leg["status"] for leg in told["orderReports"]] == ["CANCELED", "CANCELED"], "both are cancelled")
    buy = {"symbol": SYMBOL, "quantity": "0.01", "aboveType": "STOP_LOSS_LIMIT", "aboveStopPrice": high, "abovePrice": higher, "aboveTimeInForce": "GTC"}
    placed = tour(client.order_oco_buy, **buy, belowType="LIMIT_MAKER", belowPrice=low).has(contingencyType="OCO")
    leg = placed["orders"][0]
    tour(client.cancel_order, symbol=SYMBOL, orderId=leg["orderId"]).has(orderListId=placed["orderListId"], listStatusType="ALL_DONE")
    working = {"symbol": SYMBOL, "workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC", "workingPrice": low, "workingQuantity": "0.01"}
    pending = {"pendingType": "LIMIT", "pendingSide": "SELL", "pendingTimeInForce": "GTC", "pendingPrice": high, "pendingQuantity": "0.01"}
    pair = {"pendingSide": "SELL", "pendingQuantity": "0.01", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": higher,
            "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": lower}
    for call, parameters in ((client.v3_post_order_list_oto, pending), (client.v3_post_order_list_otoco, pair)):
        tour(call, **working, **parameters).has(contingencyType="OTO", listOrderStatus="EXECUTING").holds(
            lambda told: [leg["status"] for leg in told["orderReports"]] == ["NEW"] + ["PENDING_NEW"] * (len(told["orders"]) - 1), "the others wait for the first")
    tour(client.v3_get_all_order_list).holds(
        lambda found: [each["listOrderStatus"] for each in found] == ["ALL_DONE"] * 3 + ["EXECUTING"] * 2, "all five")
    tour(client.cancel_all_open_orders, symbol=SYMBOL).holds(
        lambda found: [len(each["orderReports"]) for each in found] == [2, 3], "two lists")


def replacements():
    low, lower = str(tour.near(-5)), str(tour.near(-6))
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    last = tour(client.create_order, **order, price=low).has(status="NEW")["orderId"]
    for _ in range(2):
        told = tour(client.cancel_replace_order, **order, price=lower, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=last).has(cancelResult="SUCCESS", newOrderResult="SUCCESS")
        told.holds(lambda told: (told["cancelResponse"]["orderId"], told["newOrderResponse"]["status"]) == (last, "NEW"), "both halves")
        last = told["newOrderResponse"]["orderId"]
    replace = {**order, "price": lower, "cancelOrderId": 99_999}
    refused((-2022, "Order cancel-replace failed."), client.cancel_replace_order, **replace, cancelReplaceMode="STOP_ON_FAILURE")
    refused((-2021, "Order cancel-replace partially failed."), client.cancel_replace_order, **replace, cancelReplaceMode="ALLOW_FAILURE")
    tour(client.cancel_all_open_orders, symbol=SYMBOL).holds(lambda orders: len(orders) == 2, "both")


def fills():
    """An order that waits until the market has come to it."""
    price = tour.near("-0.05")
    placed = tour(client.order_limit_buy, symbol=SYMBOL, quantity="0.01", price=str(price)).has(status="NEW")
    while tour.get_signed("/api/v3/openOrders", symbol=SYMBOL):
        tour.minutes(10)
    tour(client.get_order, symbol=SYMBOL, orderId=placed["orderId"]).has(status="FILLED", cummulativeQuoteQty=text(price / 100)).holds(
        lambda order: order["updateTime"] > order["time"] == placed["transactTime"], "later")
    tour(client.get_my_trades, symbol=SYMBOL, orderId=placed["orderId"]).holds(
        lambda trades: [(each["isMaker"], each["price"], each["commission"]) for each in trades] == [(True, text(price), text(MAKER / 100))], "as maker")


def prevention():
    """Two orders that would trade with each other."""
    price = tour(client.order_market_buy, symbol=SYMBOL, quantity="0.01").has(status="FILLED")["fills"][0]["price"]
    maker = tour(client.order_limit_sell, symbol=SYMBOL, quantity="0.01", price=price).has(status="NEW")
    taker = tour(client.order_limit_buy, symbol=SYMBOL, quantity="0.01", price=price, selfTradePreventionMode="EXPIRE_TAKER")
    taker.has(status="EXPIRED_IN_MATCH", preventedQuantity="0.01000000")
    tour(client.get_prevented_matches, symbol=SYMBOL, orderId=taker["orderId"]).holds(
        lambda told: [(each["preventedMatchId"], each["makerOrderId"]) for each in told] == [(taker["preventedMatchId"], maker["orderId"])], "the two")
    tour(client.cancel_order, symbol=SYMBOL, orderId=maker["orderId"]).has(status="CANCELED")


def history():
    orders = tour.get_signed("/api/v3/allOrders", symbol=SYMBOL)
    tour(client.get_all_orders, symbol=SYMBOL).equals(orders).holds(
        lambda found: {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"} == {order["status"] for order in found}, "all kinds")
    tour(client.get_all_orders, symbol=SYMBOL, orderId=orders[5]["orderId"], limit=2).equals(orders[5:7])
    tour(client.get_current_order_count).holds(
        lambda limits: [(limit["interval"], limit["limit"]) for limit in limits] == [("SECOND", 50), ("DAY", 160_000)], "two limits")
    tour(client.v3_get_account_commission, symbol=SYMBOL).has(symbol=SYMBOL).holds(
        lambda told: told["standardCommission"]["taker"] == text(TAKER) and told["discount"]["discountAsset"] == "BNB", "its rates")


def keys():
    """Keys that are no shared secret sign as well."""
    for api_key, private_key in tour.private_keys:
        other = Client(api_key, private_key=private_key)
        other.timestamp_offset = client.timestamp_offset
        tour(other.get_account).has(accountType="SPOT")
        tour(other.create_test_order, symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01").equals({})
        tour(other.get_order, symbol=SYMBOL, orderId=1).has(orderId=1)


def errors():
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": str(tour.near(-5))}
    refused((-1121, "Invalid symbol."), client.get_order_book, symbol="NONE")
    refused((-1120, "Invalid interval."), client.get_klines, symbol=SYMBOL, interval="7m")
    refused((-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."), client.get_avg_price)
    for said, other in (
        ((-1117, "Invalid side."), {"side": "HOLD"}),
        ((-1116, "Invalid orderType."), {"type": "MAYBE"}),
        ((-1115, "Invalid timeInForce."), {"timeInForce": "GTX"}),
        ((-1106, "Parameter 'timeInForce' sent when not required."), {"type": "LIMIT_MAKER"}),
        ((-1013, "Filter failure: PRICE_FILTER"), {"price": "20000.001"}),
        ((-1013, "Filter failure: LOT_SIZE"), {"quantity": "0.000001"}),
        ((-1013, "Filter failure: NOTIONAL"), {"quantity": "0.0001"}),
        ((-1111, "Parameter 'quantity' has too much precision."), {"quantity": "0.0100000001"}),
        ((-2010, "Account has insufficient balance for requested action."), {"quantity": "100"}),
    ):
        refused(said, client.create_order, **{**order, **other})
    refused((-2013, "Order does not exist."), client.get_order, symbol=SYMBOL, orderId=99_999)
    refused((-2011, "Unknown order sent."), client.cancel_order, symbol=SYMBOL, orderId=99_999)
    client.API_SECRET = "another"
    refused((-1022, "Signature for this request is not valid."), client.get_account)
    client.API_SECRET = "local"
    client.session.headers["X-MBX-APIKEY"] = "another"
    refused((-2015, "Invalid API-key, IP, or permissions for action."), client.get_account)
    client.session.headers["X-MBX-APIKEY"] = "no key"
    refused((-2014, "API-key format invalid."), client.get_account)
    client.session.headers["X-MBX-APIKEY"] = "local"
    tour.set_clock = lambda: setattr(client, "timestamp_offset", tour.now() - int(tour.wall() * 1000) - 60_000)
    refused((-1021, "Timestamp for this request is outside of the recvWindow."), client.get_account)
    tour.set_clock = lambda: setattr(client, "timestamp_offset", tour.now() - int(tour.wall() * 1000) + 60_000)
    refused((-1021, "Timestamp for this request was 1000ms ahead of the server's time."), client.get_account)


for part in (general, market_data, market_orders, limit_orders, conditional_orders, lists, replacements, fills, prevention, history, keys, errors):
    part()
tour.end()
