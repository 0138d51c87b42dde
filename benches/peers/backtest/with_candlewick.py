"""Bars into a lake as everybody gets them there: monthly archives of a portal's layout in a
folder, `candlewick ingest`; and the program's backtest over it."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from datetime import datetime, timezone

from task import ONE

# From this time on the portal's archives count microseconds.
MICROSECONDS_FROM = 1_735_689_600_000_000

# duties.c has the same filters.
FILTERS = """[
 {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"TICK"},
 {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"},
 {"filterType":"MARKET_LOT_SIZE","minQty":"0","maxQty":"100","stepSize":"0"},
 {"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"5","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.2","avgPriceMins":5},
 {"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000000","applyMaxToMarket":false,"avgPriceMins":5}]"""


def decimal(units):
    return f"{units // ONE}.{units % ONE:08d}"


def month_of(micros):
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).strftime("%Y-%m")


def write_portal(portal, bars):
    """One archive a month, with its checksum."""
    folder = portal / "data/spot/monthly/klines/BTCUSDT/1m"
    folder.mkdir(parents=True)
    months = {}
    columns = [bars[name].tolist() for name in ["open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume"]]
    month, month_ends = None, 0
    for opened, closed, *prices, volume, quote in zip(*columns):
        if opened >= month_ends:
            month = month_of(opened)
            year, number = map(int, month.split("-"))
            following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=timezone.utc)
            month_ends = int(following.timestamp()) * 1_000_000
        unit = 1 if opened >= MICROSECONDS_FROM else 1000
        cells = [opened // unit, *map(decimal, prices), decimal(volume), closed // unit, decimal(quote), 100]
        cells += [decimal(volume // 2), decimal(quote // 2), 0]
        months.setdefault(month, []).append(",".join(map(str, cells)))
    for month, lines in months.items():
        name = f"BTCUSDT-1m-{month}"
        path = folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(f"{name}.csv", "\n".join(lines) + "\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_name(path.name + ".CHECKSUM").write_text(f"{digest}  {path.name}\n")
    return sorted(months)


def exchange_info(task, bars):
    market = {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET"], "quoteOrderQtyMarketAllowed": True,
        "filters": json.loads(FILTERS.replace("TICK", decimal(round(task.tick * ONE)))),
    }
    return {"serverTime": int(bars["open_time"][0]) // 1000, "symbols": [market]}


def prepare(folder, task, bars, program):
    """The lake, the configuration and the filters."""
    portal, lake = folder / "portal", folder / "lake"
    for old in [portal, lake]:
        shutil.rmtree(old, ignore_errors=True)
    months = write_portal(portal, bars)
    command = [program, "ingest", "--symbols", "BTCUSDT", "--intervals", "1m", "--from", months[0], "--to", months[-1]]
    done = subprocess.run(command + ["--portal", f"file://{portal}", "--no-rest", "--lake", lake], capture_output=True, text=True)
    # 1 is no failure: a last month that is not over, gaps of real bars. The count below judges.
    assert done.returncode in (0, 1), done.stderr
    (folder / "exchangeInfo.json").write_text(json.dumps(exchange_info(task, bars)))
    (folder / "run.toml").write_text(
        f"""symbol = "BTCUSDT"
interval = "1m"
exchange_info = ["exchangeInfo.json"]
[account]
USDT = {task.cash}
[strategy]
name = "ma-cross"
fast = {task.fast}
slow = {task.slow}
stake = {task.stake}
[fees]
maker = {task.fee:.8f}
taker = {task.fee:.8f}
[report]
band = false
"""
    )


def in_memory(words):
    """Names and nanoseconds a bar of the bench's runs of `ma-cross` and of no orders."""
    done = subprocess.run(words.split() + ["ma-cross|no orders"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = re.findall(r"^(replay of [^\n]*?)\s+time:[^\n]*\s+thrpt:\s+\[\S+ \S+ ([\d.]+) ([KMG])elem/s", done.stdout, re.M)
    return [(name, 1e9 / (float(rate) * {"K": 1e3, "M": 1e6, "G": 1e9}[unit])) for name, rate, unit in found]


def command(folder, program):
    """A whole backtest: the lake is read, the bars replayed, the report written."""
    return [program, "backtest", folder / "run.toml", "--lake", folder / "lake", "--out", folder / "out", "--force"]


def answer(folder, stderr, bars):
    """The figures of the run that has just ended."""
    said = re.search(r"(\d+) bars replayed in ([\d.]+) ms", stderr)
    assert said, f"the program does not say how long it replayed:\n{stderr}"
    assert int(said[1]) == len(bars["close"]), f"the lake holds {said[1]} bars of {len(bars['close'])}"
    out = folder / "out"
    rows = lambda name: list(csv.DictReader(open(out / name)))
    with open(out / "equity.csv") as file:
        head = file.readline().strip().split(",")
        last = file.readlines()[-1].strip().split(",")
    orders, refused = rows("orders.csv"), len(rows("rejections.csv"))
    return {
        "first": float(said[2]) / 1000, "orders": len(orders) + refused, "fills": len(rows("fills.csv")),
        "refused": refused, "partial": sum(o["quantity"] != o["filled_quantity"] for o in orders),
        "equity": last[head.index("equity")],
    }
