"""Runs an example of docs/lake.md from standard input, in the folder that the lake lies in, and
prints what it left in `bars`: a line a bar, times in microseconds, decimals in units of 1e-8."""

import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal, localcontext

COLUMNS = [
    "open_time", "close_time", "open", "high", "low", "close",
    "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume", "trades",
]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def rows(bars):
    if hasattr(bars, "to_arrow_table"):
        bars = bars.to_arrow_table()
    if hasattr(bars, "to_pylist"):
        return [[row[name] for name in COLUMNS] for row in bars.to_pylist()]
    if hasattr(bars, "itertuples"):
        return bars[COLUMNS].itertuples(index=False)
    return bars.select(COLUMNS).rows()


def number(value):
    if isinstance(value, datetime):
        assert value.tzinfo is not None, "a time without zone"
        return (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, Decimal):
        scaled = value.scaleb(8)
        assert scaled == scaled.to_integral_value(), f"{value}: more than 8 decimals"
        return int(scaled)
    assert isinstance(value, int) or type(value).__name__ == "int64", f"{value!r} is {type(value)}"
    return int(value)


with localcontext() as context:
    context.prec = 60
    scope = {}
    exec(sys.stdin.read(), scope)
    for row in rows(scope["bars"]):
        print(",".join(str(number(value)) for value in row))
