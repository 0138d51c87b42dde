"""vectorbt: signals as arrays, then one compiled loop over all bars. Orders at the next open, a
tick worse, as the arrays say; floats. Quantities are not on the step: with `size_granularity` its
floats leave a step behind at the first exit, and it never enters again. Its engine is the one in
Rust where that is installed (`vectorbt-rust`), else Numba."""

import pandas as pd
import vectorbt as vbt
from vectorbt._engine import is_rust_available

import task as shared


def main():
    task, bars, passes = shared.given()
    prices = shared.floats(bars)
    index = pd.to_datetime(bars["open_time"], unit="us")
    opens, closes = pd.Series(prices["open"], index), pd.Series(prices["close"], index)

    def replay(opens, closes):
        lead = vbt.MA.run(closes, task.fast).ma - vbt.MA.run(closes, task.slow).ma
        above = lead > task.tie
        known = lead.notna()
        before, knew = above.shift(1, fill_value=False), known.shift(1, fill_value=False)
        # One bar later: a signal of a close is for the next open.
        entries = (above & ~before & knew).shift(1, fill_value=False)
        exits = (~above & before & knew).shift(1, fill_value=False)
        price = opens + task.tick * entries - task.tick * exits
        portfolio = vbt.Portfolio.from_signals(
            closes, entries, exits, price=price, size=task.stake, size_type="percent",
            fees=task.fee, init_cash=task.cash, freq="1min", direction="longonly",
        )
        return portfolio, portfolio.value()

    replay(opens[:1000], closes[:1000])  # compiles
    times = []
    for _ in range(passes):
        (portfolio, value), took = shared.timed(lambda: replay(opens, closes))
        times.append(took)
    engine = "rust" if is_rust_available() else "numba"
    shared.answer(times, int(portfolio.orders.count()), float(value.iloc[-1]), engine=engine)


if __name__ == "__main__":
    main()
