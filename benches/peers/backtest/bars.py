"""The bars that all replay: a seeded random walk of minutes, or real ones from a file."""

import numpy as np

from task import ONE

CENT = ONE // 100
MINUTE = 60_000_000
BEGIN = 1_672_531_200_000_000  # 2023-01-01


def walk(count, seed):
    """A random walk on a tick of 0.01, about 0.05 % a minute at the start, 5 to 55 of volume."""
    random = np.random.default_rng(seed)
    close = 3_000_000 + np.cumsum(random.integers(-1_500, 1_501, count))
    assert close.min() > 10_000, "this seed's walk goes to nothing; take another"
    opens = np.concatenate([[3_000_000], close[:-1]])
    high = np.maximum(opens, close) + random.integers(0, 800, count)
    low = np.minimum(opens, close) - random.integers(0, 800, count)
    volume = random.integers(5 * ONE, 55 * ONE, count)
    open_time = BEGIN + MINUTE * np.arange(count)
    # open × volume at 1e-8, in parts that fit 64 bits; rounded down.
    quote = opens * (volume // 100) + opens * (volume % 100) // 100
    prices = {"open": opens, "high": high, "low": low, "close": close}
    return {
        "open_time": open_time, "close_time": open_time + MINUTE - 1, "volume": volume, "quote_volume": quote,
    } | {name: cents * CENT for name, cents in prices.items()}


def read(path):
    """Real bars: Parquet (a file or a folder, such as a series of a lake), or CSV with a header.
    Columns open_time, open, high, low, close, volume, and close_time, quote_volume where there
    are any; times as timestamps or as whole milli- or microseconds."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.dataset

    exact = ["open", "high", "low", "close", "volume", "quote_volume"]
    if path.suffix == ".csv":
        options = pyarrow.csv.ConvertOptions(column_types={name: pa.decimal128(38, 8) for name in exact})
        table = pyarrow.csv.read_csv(path, convert_options=options)
    else:
        table = pyarrow.dataset.dataset(path, format="parquet").to_table()
    table = table.sort_by("open_time")
    bars = {name: units(table[name]) for name in exact if name in table.column_names}
    bars["open_time"] = micros(table["open_time"])
    if "quote_volume" not in bars:
        price = bars["close"].astype(float) / ONE
        bars["quote_volume"] = (price * bars["volume"]).astype(np.int64)
    closes = micros(table["close_time"]) if "close_time" in table.column_names else bars["open_time"] + MINUTE - 1
    # Archives count milliseconds; a minute's close is its last microsecond, as in a lake.
    bars["close_time"] = np.where(closes % 1000 == 0, closes + 999, closes)
    return bars


def units(column):
    """Decimals as counts of 1e-8; they must fit 64 bits."""
    import pyarrow as pa

    cells = column.cast(pa.decimal128(38, 8)).combine_chunks()
    cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
    halves = np.frombuffer(cells.buffers()[1], dtype="<i8").reshape(-1, 2)
    halves = halves[cells.offset : cells.offset + len(cells)]
    assert (halves[:, 1] == 0).all(), "a value beyond 64 bits at 1e-8"
    return halves[:, 0].copy()


def micros(column):
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).to_numpy().astype(np.int64)
    times = column.to_numpy().astype(np.int64)
    return times if times[0] > 10**14 else times * 1000
