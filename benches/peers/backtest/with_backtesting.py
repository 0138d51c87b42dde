"""backtesting.py: orders of a bar fill at the next open; floats; all indicators first, then a
loop in Python over the bars. Its prices are scaled so that one unit is a step (its own
FractionalBacktest does that)."""

import warnings

import pandas as pd
from backtesting import Strategy
from backtesting.lib import FractionalBacktest

import task as shared

warnings.filterwarnings("ignore")


def average(values, window):
    return pd.Series(values).rolling(window).mean()


def main():
    task, bars, _ = shared.given()
    prices = shared.floats(bars)
    frame = pd.DataFrame(
        {name.title(): prices[name] for name in ["open", "high", "low", "close", "volume"]},
        index=pd.to_datetime(bars["open_time"], unit="us"),
    )
    tie = task.tie * task.step

    class MaCross(Strategy):
        def init(self):
            self.fast = self.I(average, self.data.Close, task.fast)
            self.slow = self.I(average, self.data.Close, task.slow)
            self.above = None
            self.sent = 0

        def next(self):
            above = self.fast[-1] - self.slow[-1] > tie
            crossed = self.above is not None and self.above != above
            self.above = above
            if not crossed or len(self.data) == len(frame):
                return
            if above:
                self.buy(size=task.stake)
                self.sent += 1
            elif self.position:
                self.position.close()
                self.sent += 1

    def test():
        return FractionalBacktest(
            frame, MaCross, cash=task.cash, commission=task.fee, spread=task.tick / frame.Open.iloc[0], fractional_unit=task.step
        )

    backtest = test()
    result, first = shared.timed(backtest.run)
    still_open = int(result["_strategy"].position.size != 0)
    shared.answer([first], result["_strategy"].sent, result["Equity Final [$]"], trips=len(result["_trades"]), open=still_open)


if __name__ == "__main__":
    main()
