"""binance-sdk-spot, the exchange's own: every call of its REST client that the local exchange has
an answer to. It has no clock but the machine's."""

from decimal import Decimal

from binance_common.errors import Error
from binance_sdk_spot.spot import ConfigurationRestAPI, Spot

from tour import MAKER, SYMBOL, TAKER, OnMachineTime, Tour, decimal, text


class OfSdk(OnMachineTime, Tour):
    def code_and_text(self, error):
        return error.status_code, error.error_message


tour = OfSdk("binance-sdk-spot")


def connected(api_key="local", api_secret="local", **options):
    # A machine that is busy with other tests may need more than its usual second.
    configuration = ConfigurationRestAPI(api_key, api_secret, base_path=tour.url, timeout=10_000, **options)
    return Spot(config_rest_api=configuration).rest_api


client = connected()


def signed(call, **parameters):
    return tour(call, **parameters, recv_window=60_000)


def refused(said, call, **parameters):
    tour.refused(Error, said, call, **parameters)


def same_as(path):
    """What a plain request to the same endpoint is answered with."""
    expected = tour.get(path)
    return lambda found: found == expected


def general():
    tour(client.ping).equals({})
    tour(client.time).holds(lambda told: abs(told["serverTime"] - tour.now()) < 1000, "server time")
    tour(client.exchange_info, symbol=SYMBOL).has(timezone="UTC", exchangeFilters=[]).holds(
        lambda info: [symbol["symbol"] for symbol in info["symbols"]] == [SYMBOL], "the market").holds(
        lambda info: info["rateLimits"] == tour.get("/api/v3/exchangeInfo")["rateLimits"], "its limits")
    tour(client.execution_rules, symbol=SYMBOL).equals(tour.get(f"/api/v3/executionRules?symbol={SYMBOL}"))
    in_micros = connected(time_unit="MICROSECOND")
    tour(in_micros.time).holds(lambda told: abs(told["serverTime"] // 1000 - tour.now()) < 1000, "microseconds")


def market_data():
    bid, ask = tour.book()
    day = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}")
    tour(client.depth, symbol=SYMBOL, limit=5).holds(same_as(f"/api/v3/depth?symbol={SYMBOL}&limit=5"), "the book").holds(
        lambda book: (len(book["bids"]), book["asks"][0][0]) == (5, text(ask)), "five levels")
    trades = tour.get(f"/api/v3/trades?symbol={SYMBOL}&limit=4")
    tour(client.get_trades, symbol=SYMBOL, limit=4).equals(trades).holds(lambda found: len(found) == 4, "four")
    tour(client.historical_trades, symbol=SYMBOL, limit=2, from_id=trades[0]["id"]).equals(trades[:2])
    joined = tour.get(f"/api/v3/aggTrades?symbol={SYMBOL}&limit=4")
    tour(client.agg_trades, symbol=SYMBOL, limit=4).equals(joined)
    for interval in ("1m", "1h"):
        tour(client.klines, symbol=SYMBOL, interval=interval, limit=3).equals(
            tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval={interval}&limit=3")).holds(lambda bars: len(bars) == 3, "three bars")
    tour(client.ui_klines, symbol=SYMBOL, interval="15m", limit=2).equals(tour.get(f"/api/v3/klines?symbol={SYMBOL}&interval=15m&limit=2"))
    tour(client.avg_price, symbol=SYMBOL).has(mins=5, price=tour.get(f"/api/v3/avgPrice?symbol={SYMBOL}")["price"])
    tour(client.ticker24hr, symbol=SYMBOL).has(day).holds(lambda told: told["closeTime"] - told["openTime"] == 86_400_000, "a day")
    mini = tour.get(f"/api/v3/ticker/24hr?symbol={SYMBOL}&type=MINI")
    tour(client.ticker24hr, symbol=SYMBOL, type="MINI").has(mini).holds(lambda told: "bidPrice" not in told or told["bidPrice"] is None, "less")
    tour(client.ticker, symbol=SYMBOL, window_size="1h").has(tour.get(f"/api/v3/ticker?symbol={SYMBOL}&windowSize=1h"))
    tour(client.ticker_trading_day, symbol=SYMBOL).has(tour.get(f"/api/v3/ticker/tradingDay?symbol={SYMBOL}"))
    tour(client.ticker_price, symbol=SYMBOL).equals({"symbol": SYMBOL, "price": day["lastPrice"]})
    tour(client.ticker_price, symbols=[SYMBOL]).equals([{"symbol": SYMBOL, "price": day["lastPrice"]}])
    tour(client.ticker_book_ticker, symbol=SYMBOL).has(symbol=SYMBOL, bidPrice=text(bid), askPrice=text(ask))
    for call in (client.reference_price, client.reference_price_calculation):
        refused((-2043, "This symbol doesn't have a reference price."), call, symbol=SYMBOL)


def commission():
    """Before an order moves the market, as this call knows no window of its own."""
    tour(client.account_commission, symbol=SYMBOL).has(symbol=SYMBOL).holds(
        lambda told: told["standardCommission"] == {"maker": text(MAKER), "taker": text(TAKER), "buyer": text(0), "seller": text(0)}, "its rates")


def filled(answer, quantity, price, side):
    """An order that has taken at once: what it came to, and what it cost."""
    quantity, cost = decimal(quantity), decimal(quantity) * price
    fee, asset = (quantity, "BTC") if side == "BUY" else (cost, "USDT")
    fee = (fee * TAKER).quantize(Decimal("1e-8"), "ROUND_FLOOR")
    fill = {"price": text(price), "qty": text(quantity), "commission": text(fee), "commissionAsset": asset}
    return answer.has(status="FILLED", executedQty=text(quantity), cummulativeQuoteQty=text(cost), side=side, type="MARKET").holds(
        lambda order: [{**each, "tradeId": 0} for each in order["fills"]] == [{**fill, "tradeId": 0}], f"the fill {fill}")


def market_orders():
    new = {"symbol": SYMBOL, "type": "MARKET"}
    filled(signed(client.new_order, **new, side="BUY", quantity=0.1), "0.1", tour.book()[1], "BUY").has(orderId=1, orderListId=-1)
    filled(signed(client.new_order, **new, side="SELL", quantity=0.01), "0.01", tour.book()[0], "SELL")
    answer = signed(client.new_order, **new, side="BUY", quote_order_qty=100)
    ask = tour.book()[1]
    filled(answer, (100 / ask).quantize(Decimal("0.00001"), "ROUND_FLOOR"), ask, "BUY").has(origQuoteOrderQty="100.00000000")
    signed(client.get_order, symbol=SYMBOL, order_id=1).has(status="FILLED", executedQty="0.10000000", isWorking=True)
    balances = tour.get_signed("/api/v3/account")["balances"]
    signed(client.get_account).has(accountType="SPOT", canTrade=True, balances=balances, uid=1)
    trades = tour.get_signed("/api/v3/myTrades", symbol=SYMBOL)
    signed(client.my_trades, symbol=SYMBOL).equals(trades).holds(lambda found: [each["isBuyer"] for each in found] == [True, False, True], "three")


def limit_orders():
    low, high = (float(tour.near(share)) for share in (-5, 5))
    buy = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": low}
    placed = signed(client.new_order, **buy, new_client_order_id="low", strategy_id=7, strategy_type=1_000_000).has(
        status="NEW", clientOrderId="low", price=text(low), origQty="0.01000000", executedQty="0.00000000", fills=[], strategyId=7, strategyType=1_000_000)
    signed(client.get_open_orders, symbol=SYMBOL).holds(lambda orders: [order["orderId"] for order in orders] == [placed["orderId"]], "this one")
    signed(client.get_order, symbol=SYMBOL, orig_client_order_id="low").has(orderId=placed["orderId"], status="NEW", time=placed["transactTime"])
    amended = signed(client.order_amend_keep_priority, symbol=SYMBOL, order_id=placed["orderId"], new_qty=0.004, new_client_order_id="less")
    amended.holds(lambda told: (told["amendedOrder"]["qty"], told["amendedOrder"]["origClientOrderId"], told["amendedOrder"]["clientOrderId"])
                  == ("0.00400000", "low", "less"), "the new quantity and name")
    signed(client.order_amendments, symbol=SYMBOL, order_id=placed["orderId"]).holds(
        lambda told: [(each["executionId"], each["origQty"], each["newQty"]) for each in told] == [(amended["executionId"], "0.01000000", "0.00400000")], "one")
    signed(client.delete_order, symbol=SYMBOL, order_id=placed["orderId"], new_client_order_id="end").has(
        status="CANCELED", origClientOrderId="less", clientOrderId="end", origQty="0.00400000")
    signed(client.new_order, **{**buy, "side": "SELL", "price": high}, iceberg_qty=0.005).has(status="NEW", icebergQty="0.00500000")
    for time_in_force, reason in (("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")):
        signed(client.new_order, **{**buy, "time_in_force": time_in_force}).has(status="EXPIRED", timeInForce=time_in_force, expiryReason=reason)
    maker = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT_MAKER", "quantity": 0.01}
    signed(client.new_order, **maker, price=low, new_order_resp_type="RESULT").has(status="NEW", type="LIMIT_MAKER")
    signed(client.new_order, **maker, peg_price_type="PRIMARY_PEG", new_order_resp_type="RESULT").has(status="NEW", peggedPrice=text(tour.book()[0]))
    signed(client.order_test, **maker, price=low).equals({})
    rates = {"maker": text(MAKER), "taker": text(TAKER)}
    signed(client.order_test, **maker, price=low, compute_commission_rates=True).has(standardCommissionForOrder=rates)
    signed(client.delete_open_orders, symbol=SYMBOL).holds(lambda orders: [order["status"] for order in orders] == ["CANCELED"] * 3, "three")


def conditional_orders():
    low, lower, high = (float(tour.near(share)) for share in (-5, -6, 5))
    sell = {"symbol": SYMBOL, "side": "SELL", "quantity": 0.01, "new_order_resp_type": "RESULT"}
    for kind, parameters, told in (
        ("STOP_LOSS", {"stop_price": low}, {"stopPrice": text(low)}),
        ("STOP_LOSS_LIMIT", {"stop_price": low, "price": lower, "time_in_force": "GTC"}, {"stopPrice": text(low), "price": text(lower)}),
        ("TAKE_PROFIT", {"stop_price": high}, {"stopPrice": text(high)}),
        ("TAKE_PROFIT_LIMIT", {"stop_price": high, "price": high, "time_in_force": "GTC"}, {"stopPrice": text(high), "price": text(high)}),
        ("STOP_LOSS", {"trailing_delta": 150}, {"trailingDelta": 150}),
    ):
        signed(client.new_order, **sell, type=kind, **parameters).has(told, status="NEW", type=kind, workingTime=-1)
    signed(client.delete_open_orders, symbol=SYMBOL).holds(lambda orders: len(orders) == 5, "five")


def lists():
    high, higher, low, lower = (float(tour.near(share)) for share in (4, 5, -4, -5))
    legs = {"symbol": SYMBOL, "quantity": 0.01, "side": "SELL"}
    types = lambda kinds: lambda told: [(leg["type"], leg["status"]) for leg in told["orderReports"]] == [(kind, "NEW") for kind in kinds]
    placed = signed(client.order_list_oco, **legs, above_type="LIMIT_MAKER", above_price=high, below_type="STOP_LOSS", below_stop_price=low)
    placed.has(contingencyType="OCO", listStatusType="EXEC_STARTED", listOrderStatus="EXECUTING").holds(types(["STOP_LOSS", "LIMIT_MAKER"]), "its legs")
    number = placed["orderListId"]
    signed(client.get_order_list, order_list_id=number).has(orderListId=number, listOrderStatus="EXECUTING", orders=placed["orders"])
    signed(client.open_order_list).holds(lambda found: [each["orderListId"] for each in found] == [number], "this one")
    signed(client.delete_order_list, symbol=SYMBOL, order_list_id=number).has(listOrderStatus="ALL_DONE").holds(
        lambda told: [leg["status"] for leg in told["orderReports"]] == ["CANCELED", "CANCELED"], "both are cancelled")
    signed(client.order_oco, **legs, price=high, stop_price=low, stop_limit_price=lower, stop_limit_time_in_force="GTC").holds(
        types(["STOP_LOSS_LIMIT", "LIMIT_MAKER"]), "its legs")
    working = {"symbol": SYMBOL, "working_type": "LIMIT", "working_side": "BUY", "working_time_in_force": "GTC", "working_price": low, "working_quantity": 0.01}
    pending = {"pending_type": "LIMIT", "pending_side": "SELL", "pending_time_in_force": "GTC", "pending_price": high}
    pair = {"pending_side": "SELL", "pending_above_type": "LIMIT_MAKER", "pending_above_price": higher,
            "pending_below_type": "STOP_LOSS", "pending_below_stop_price": lower}
    waiting = lambda told: [leg["status"] for leg in told["orderReports"]] == ["NEW"] + ["PENDING_NEW"] * (len(told["orders"]) - 1)
    for call, parameters in (
        (client.order_list_oto, {**pending, "pending_quantity": 0.01}),
        (client.order_list_otoco, {**pair, "pending_quantity": 0.01}),
        (client.order_list_opo, pending),
        (client.order_list_opoco, pair),
    ):
        signed(call, **working, **parameters).has(contingencyType="OTO", listOrderStatus="EXECUTING").holds(waiting, "the others wait for the first")
    signed(client.all_order_list).holds(lambda found: [each["listOrderStatus"] for each in found] == ["ALL_DONE"] + ["EXECUTING"] * 5, "all six")
    signed(client.delete_open_orders, symbol=SYMBOL).holds(lambda found: [each["orderListId"] for each in found] == [2, 3, 4, 5, 6], "five lists")


def replacements():
    low, lower = (float(tour.near(share)) for share in (-5, -6))
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01}
    first = signed(client.new_order, **order, price=low).has(status="NEW")["orderId"]
    signed(client.order_cancel_replace, **order, price=lower, cancel_replace_mode="STOP_ON_FAILURE", cancel_order_id=first).has(
        cancelResult="SUCCESS", newOrderResult="SUCCESS").holds(
        lambda told: (told["cancelResponse"]["orderId"], told["newOrderResponse"]["price"]) == (first, text(lower)), "both halves")
    replace = {**order, "price": lower, "cancel_order_id": 99_999, "recv_window": 60_000}
    refused((-2022, "Order cancel-replace failed."), client.order_cancel_replace, **replace, cancel_replace_mode="STOP_ON_FAILURE")
    # It does not tell the code of a 409.
    refused((None, "Order cancel-replace partially failed."), client.order_cancel_replace, **replace, cancel_replace_mode="ALLOW_FAILURE")
    signed(client.delete_open_orders, symbol=SYMBOL).holds(lambda orders: len(orders) == 2, "both")


def prevention():
    """Two orders that would trade with each other."""
    price = signed(client.new_order, symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).has(status="FILLED")["fills"][0]["price"]
    limit = {"symbol": SYMBOL, "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": float(price)}
    maker = signed(client.new_order, **limit, side="SELL").has(status="NEW")
    taker = signed(client.new_order, **limit, side="BUY", self_trade_prevention_mode="EXPIRE_TAKER").has(
        status="EXPIRED_IN_MATCH", preventedQuantity="0.01000000")
    signed(client.my_prevented_matches, symbol=SYMBOL, order_id=taker["orderId"]).holds(
        lambda told: [(each["preventedMatchId"], each["makerOrderId"]) for each in told] == [(taker["preventedMatchId"], maker["orderId"])], "the two")
    signed(client.delete_order, symbol=SYMBOL, order_id=maker["orderId"]).has(status="CANCELED")


def fills():
    """Orders at bid and ask: whichever way the market goes, it fills one of them."""
    signed(client.new_order, symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).has(status="FILLED")
    for side, price in zip(("BUY", "SELL"), tour.book()):
        maker = {"symbol": SYMBOL, "side": side, "type": "LIMIT_MAKER", "quantity": 0.01, "price": float(price)}
        signed(client.new_order, **maker, new_client_order_id=side, new_order_resp_type="RESULT").has(status="NEW", price=text(price))
    tour.step()
    rest = signed(client.get_open_orders, symbol=SYMBOL).holds(lambda orders: len(orders) == 1, "one is left")[0]["side"]
    side = "SELL" if rest == "BUY" else "BUY"
    order = signed(client.get_order, symbol=SYMBOL, orig_client_order_id=side).has(status="FILLED", executedQty="0.01000000", side=side)
    price = decimal(order["price"])
    commission = MAKER / 100 if side == "BUY" else (price * MAKER / 100).quantize(Decimal("1e-8"), "ROUND_FLOOR")
    signed(client.my_trades, symbol=SYMBOL, order_id=order["orderId"]).holds(
        lambda trades: [(each["isMaker"], each["price"], each["commission"]) for each in trades] == [(True, text(price), text(commission))], "as maker")
    signed(client.delete_order, symbol=SYMBOL, orig_client_order_id=rest).has(status="CANCELED", side=rest)


def history():
    orders = tour.get_signed("/api/v3/allOrders", symbol=SYMBOL)
    signed(client.all_orders, symbol=SYMBOL).holds(
        lambda found: [(order["orderId"], order["status"], order["executedQty"]) for order in found]
        == [(order["orderId"], order["status"], order["executedQty"]) for order in orders], "all")
    signed(client.rate_limit_order).holds(
        lambda limits: [(limit["interval"], limit["limit"]) for limit in limits] == [("SECOND", 50), ("DAY", 160_000)], "two limits")
    signed(client.my_filters, symbol=SYMBOL).holds(
        lambda told: [each["filterType"] for each in told["symbolFilters"]]
        == ["MAX_NUM_ORDERS", "MAX_NUM_ORDER_LISTS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ORDER_AMENDS"], "those that count")


def keys():
    """Keys that are no shared secret sign as well."""
    for api_key, private_key in tour.private_keys:
        other = connected(api_key, None, private_key=private_key)
        signed(other.get_account).has(accountType="SPOT")
        signed(other.order_test, symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).equals({})
        signed(other.get_order, symbol=SYMBOL, order_id=1).has(orderId=1)


def errors():
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": float(tour.near(-5)), "recv_window": 60_000}
    refused((-1121, "Invalid symbol."), client.depth, symbol="NONE")
    refused((-1120, "Invalid interval."), client.klines, symbol=SYMBOL, interval="7m")
    for said, other in (
        ((-1117, "Invalid side."), {"side": "HOLD"}),
        ((-1116, "Invalid orderType."), {"type": "MAYBE"}),
        ((-1115, "Invalid timeInForce."), {"time_in_force": "GTX"}),
        ((-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."), {"price": None}),
        ((-1106, "Parameter 'timeInForce' sent when not required."), {"type": "LIMIT_MAKER"}),
        ((-1013, "Filter failure: PRICE_FILTER"), {"price": 20000.001}),
        ((-1013, "Filter failure: LOT_SIZE"), {"quantity": 9001}),
        # It writes small numbers as 1.1e-05.
        ((-1100, "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."), {"quantity": 0.000_011}),
        ((-1013, "Filter failure: NOTIONAL"), {"quantity": 0.0001}),
        ((-1111, "Parameter 'quantity' has too much precision."), {"quantity": 0.010_000_000_1}),
        ((-2010, "Account has insufficient balance for requested action."), {"quantity": 100}),
        ((-1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000."), {"recv_window": 60_001}),
    ):
        refused(said, client.new_order, **{**order, **other})
    refused((-2013, "Order does not exist."), client.get_order, symbol=SYMBOL, order_id=99_999, recv_window=60_000)
    refused((-2011, "Unknown order sent."), client.delete_order, symbol=SYMBOL, order_id=99_999, recv_window=60_000)
    refused((-1022, "Signature for this request is not valid."), connected(api_secret="another").get_account)
    refused((-2015, "Invalid API-key, IP, or permissions for action."), connected(api_key="another").get_account)
    refused((-2014, "API-key format invalid."), connected(api_key="no key").get_account)


general()
commission()
for part in (market_data, market_orders, limit_orders, conditional_orders, lists, replacements, prevention, fills, history, keys, errors):
    # Nothing moves while a part compares.
    tour.catch_up(10)
    part()
tour.end()
