"""NautilusTrader: an event-driven engine with a message bus, a risk engine and a cache; fixed-point
prices, decimals for money. A bar becomes four ticks in its book; an order of a close fills at once,
at that close (not at the next open), always one tick worse as its fill model is set here."""

from decimal import Decimal

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FillModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

import task as shared

VENUE = Venue("BINANCE")


def market(task):
    digits = lambda unit: -Decimal(str(unit)).normalize().as_tuple().exponent
    tick, step = digits(task.tick), digits(f"{task.step:.8f}")
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol("BTCUSDT"), VENUE), raw_symbol=Symbol("BTCUSDT"), base_currency=BTC,
        quote_currency=USDT, price_precision=tick, size_precision=step, price_increment=Price(task.tick, tick),
        size_increment=Quantity(task.step, step), lot_size=None, max_quantity=Quantity(9000, step),
        min_quantity=Quantity(task.step, step), max_notional=None, min_notional=Money(5, USDT),
        max_price=Price(1_000_000, tick), min_price=Price(task.tick, tick), margin_init=Decimal(0), margin_maint=Decimal(0),
        maker_fee=Decimal(f"{task.fee:.8f}"), taker_fee=Decimal(f"{task.fee:.8f}"), ts_event=0, ts_init=0,
    )


class MaCross(Strategy):
    def __init__(self, task, instrument, bar_type, last):
        super().__init__(StrategyConfig())
        self.task, self.instrument, self.bar_type, self.last = task, instrument, bar_type, last
        self.fast, self.slow = SimpleMovingAverage(task.fast), SimpleMovingAverage(task.slow)
        self.above, self.sent, self.filled = None, 0, 0

    def on_start(self):
        self.register_indicator_for_bars(self.bar_type, self.fast)
        self.register_indicator_for_bars(self.bar_type, self.slow)
        self.subscribe_bars(self.bar_type)

    def on_bar(self, bar):
        if not self.slow.initialized:
            return
        above = self.fast.value - self.slow.value > self.task.tie
        crossed = self.above is not None and self.above != above
        self.above = above
        if not crossed or bar.ts_event == self.last:
            return
        account = self.portfolio.account(VENUE)
        if above:
            money = account.balance_free(USDT).as_double() * self.task.stake
            self.order(OrderSide.BUY, money / (bar.close.as_double() + self.task.tick))
        else:
            self.order(OrderSide.SELL, account.balance_free(BTC).as_double() + 1e-12)

    def order(self, side, quantity):
        steps = int(quantity / self.task.step + 1e-9)
        if steps > 0:
            size = Quantity(steps * self.task.step, self.instrument.size_precision)
            self.submit_order(self.order_factory.market(self.instrument.id, side, size))
            self.sent += 1

    def on_order_filled(self, event):
        self.filled += 1


def main():
    task, bars, _ = shared.given()
    instrument = market(task)
    bar_type = BarType.from_str("BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL")
    prices = shared.floats(bars)
    columns = [prices[name] for name in ["open", "high", "low", "close", "volume"]]
    closed = bars["close_time"].astype(np.uint64) * np.uint64(1000)
    data = Bar.from_raw_arrays_to_list(bar_type, instrument.price_precision, 5, *columns, closed, closed)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.CASH, [Money(task.cash, USDT), Money(0, BTC)], fill_model=FillModel(prob_slippage=1.0)
    )
    engine.add_instrument(instrument)
    engine.add_data(data, sort=False)
    strategy = MaCross(task, instrument, bar_type, int(closed[-1]))
    engine.add_strategy(strategy)
    _, first = shared.timed(engine.run)
    account = engine.portfolio.account(VENUE)
    equity = account.balance_total(USDT).as_double() + account.balance_total(BTC).as_double() * prices["close"][-1]
    shared.answer([first], strategy.sent, equity, fills=strategy.filled)


if __name__ == "__main__":
    main()
