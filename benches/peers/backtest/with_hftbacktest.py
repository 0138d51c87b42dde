"""hftbacktest: replays order books, not bars. A bar becomes a book of one level on either side
at its close, and at its open where that is another price; orders travel a microsecond and meet
the next open's book. Floats; the strategy is compiled by Numba."""

import numpy as np
from hftbacktest import (
    BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, BacktestAsset, HashMapMarketDepthBacktest,
)
from hftbacktest.order import GTC, MARKET
from hftbacktest.types import event_dtype
from numba import njit

import task as shared

# The next open is a microsecond after a close: the close is looked at before it, and the order
# arrives after it. Nanoseconds.
SEEN = 500
LATENCY = 1_000


def books(bars, task):
    """Level by level: the old bid and ask go, the new ones come. The last book comes once more
    a minute later, because a run ends with its last event and not after it."""
    tick = round(task.tick * shared.ONE)
    times = np.column_stack([bars["open_time"], bars["close_time"]]).ravel() * 1000
    price = np.column_stack([bars["open"], bars["close"]]).ravel()
    moves = np.concatenate([[True], price[1:] != price[:-1]])
    times, price = np.append(times[moves], times[-1] + 60_000_000_000), np.append(price[moves], price[-1])
    events = np.zeros(4 * len(price), event_dtype)
    both = EXCH_EVENT | LOCAL_EVENT | DEPTH_EVENT
    gone = np.concatenate([[price[0]], price[:-1]])
    for at, (side, level, quantity) in enumerate([
        (BUY_EVENT, gone - tick, 0), (SELL_EVENT, gone + tick, 0), (BUY_EVENT, price - tick, 1e6), (SELL_EVENT, price + tick, 1e6),
    ]):
        rows = events[at::4]
        rows["ev"], rows["px"], rows["qty"] = both | side, np.round(level / shared.ONE, 8), quantity
        rows["exch_ts"] = rows["local_ts"] = times
    return events


@njit
def ma_cross(book, close_times, fast, slow, tick, step, stake, fee, cash):
    """Orders sent, and the equity at every close."""
    count = len(close_times)
    closes = np.empty(count)
    equity = np.empty(count)
    sums = np.zeros(2)
    above = -1
    sent = 0
    for row in range(count):
        if book.elapse(close_times[row] * 1000 + SEEN - book.current_timestamp) != 0:
            break
        depth = book.depth(0)
        # In ticks, so that the sums are exact.
        close = (depth.best_bid_tick + depth.best_ask_tick) / 2
        closes[row] = close
        sums[0] += close - (closes[row - fast] if row >= fast else 0.0)
        sums[1] += close - (closes[row - slow] if row >= slow else 0.0)
        state = book.state_values(0)
        free = cash + state.balance - state.fee
        equity[row] = free + state.position * close * tick
        if row + 1 < slow:
            continue
        now = 1 if sums[0] * slow > sums[1] * fast else 0
        crossed = above >= 0 and now != above
        above = now
        if not crossed or row + 1 == count:
            continue
        book.clear_inactive_orders(0)
        if now == 1:
            quantity = np.floor(free * stake / depth.best_ask / step) * step
            book.submit_buy_order(0, row, depth.best_ask, quantity, GTC, MARKET, False)
            sent += 1
        elif state.position > step / 2:
            book.submit_sell_order(0, row, depth.best_bid, state.position, GTC, MARKET, False)
            sent += 1
    return sent, equity


def main():
    task, bars, passes = shared.given()

    def replay(events, close_times):
        asset = (
            BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(LATENCY, LATENCY).risk_adverse_queue_model()
            .no_partial_fill_exchange().trading_value_fee_model(task.fee, task.fee).tick_size(task.tick).lot_size(task.step)
        )
        book = HashMapMarketDepthBacktest([asset])
        work = lambda: ma_cross(book, close_times, task.fast, task.slow, task.tick, task.step, task.stake, task.fee, float(task.cash))
        (sent, equity), took = shared.timed(work)
        filled = book.state_values(0).num_trades
        book.close()
        return took, sent, equity, filled

    few = {name: column[:1000] for name, column in bars.items()}
    replay(books(few, task), few["close_time"])  # compiles
    events = books(bars, task)
    times = []
    for _ in range(passes):
        took, sent, equity, filled = replay(events, bars["close_time"])
        times.append(took)
    shared.answer(times, sent, float(equity[-1]), fills=int(filled), events=round(len(events) / len(equity), 1))


if __name__ == "__main__":
    main()
