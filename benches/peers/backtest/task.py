"""What every peer is given: the bars as a file of columns, and a strategy with its money.

The folder holds `bars.bin` (a count, then columns of 64-bit integers, one after the other) and
`task.json`. Times are microseconds, prices and volumes are in 1e-8.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

COLUMNS = ["open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume"]
ONE = 10**8


@dataclass
class Task:
    fast: int
    slow: int
    cash: int
    stake: float
    fee: float
    tick: float
    step: float

    @property
    def tie(self):
        """Averages of prices on the tick that differ at all differ by more than this; what
        rounding adds to an average of floats is far below it."""
        return self.tick / (2 * self.fast * self.slow)

    def write(self, folder):
        (folder / "task.json").write_text(json.dumps(asdict(self)))


def write_bars(path, columns):
    with open(path, "wb") as out:
        np.array([len(columns["close"])], dtype="<i8").tofile(out)
        for name in COLUMNS:
            columns[name].astype("<i8").tofile(out)


def read_bars(path, most):
    """The first `most` bars, integers."""
    cells = np.memmap(path, dtype="<i8", mode="r")
    count = int(cells[0])
    table = cells[1:].reshape(len(COLUMNS), count)
    return {name: np.array(table[at, :most]) for at, name in enumerate(COLUMNS)}


def crossings(close, fast, slow):
    """The rows at whose close the fast average has crossed the slow one, and which way it
    crossed; exact."""
    sums = np.concatenate([[0], np.cumsum(close // 10**4)])
    assert (close % 10**4 == 0).all(), "prices are on 0.0001 at the finest"
    of = lambda window: sums[slow:] - sums[slow - window : len(sums) - window]
    above = of(fast) * slow > of(slow) * fast
    rows = np.flatnonzero(above[1:] != above[:-1]) + slow
    return rows, above[rows - slow + 1]


def traded(close, fast, slow):
    """How many of them can be traded on: not before the first upward one, since nothing is held,
    nor at the last close."""
    rows, up = crossings(close, fast, slow)
    first = int(np.argmax(up)) if up.any() else len(rows)
    return int((rows[first:] < len(close) - 1).sum())


def given():
    """A peer's task, bars and how many times it shall replay them, from its command line: FOLDER
    BARS PASSES."""
    folder = Path(sys.argv[1])
    task = Task(**json.loads((folder / "task.json").read_text()))
    return task, read_bars(folder / "bars.bin", int(sys.argv[2])), int(sys.argv[3])


def floats(bars):
    """Prices and volumes as floats."""
    return {name: bars[name] / ONE for name in COLUMNS[2:]}


def timed(work):
    """What the work gives, and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def answer(times, orders, equity, **more):
    """A peer's last line: seconds of its first replay and of the best of the others, orders that
    it sent, and what it has in the end."""
    print(json.dumps({"first": times[0], "warm": min(times[1:] or times), "orders": orders, "equity": equity} | more))
