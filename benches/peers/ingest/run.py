"""zip -> Parquet: candlewick beside Polars, pyarrow and DuckDB, whole processes, in one run.

    python=$(benches/peers/ingest/setup)
    CANDLEWICK_BENCH_PORTAL=/tmp/portal CANDLEWICK_BENCH_MONTHS=60 cargo bench --bench ingest -- --list
    $python benches/peers/ingest/run.py /tmp/portal [ROUNDS [PROCESSORS [PROGRAM]]]

Each round runs every program once, in turn, so that a busy machine hits all alike; the best of
the rounds counts. Every program starts with archives in the page cache and an empty target. The
values of all are compared once. What the peers do not do is said in convert.py.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

PEERS = ["candlewick", "polars+isal", "polars", "pyarrow+isal", "duckdb+isal"]


def main():
    portal = Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    processors = int(sys.argv[3]) if len(sys.argv) > 3 else len(os.sched_getaffinity(0))
    program = sys.argv[4] if len(sys.argv) > 4 else "target/release/candlewick"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])
    source = portal / "data/spot/monthly/klines/BTCUSDT/1m"
    archives = sorted(source.glob("*.zip"))
    megabytes = sum(zipfile.ZipFile(path).infolist()[0].file_size for path in archives) / 1e6
    months = [path.stem[-7:] for path in archives]
    for path in archives:
        path.read_bytes()
    versions = {name: importlib.metadata.version(name) for name in ["polars", "pyarrow", "duckdb", "isal"]}
    print(f"{len(archives)} archives, {megabytes:.0f} MB of CSV, {processors} processors, load {os.getloadavg()[0]:.1f}, {versions}")
    with tempfile.TemporaryDirectory() as folder:
        seconds = {peer: [] for peer in PEERS}
        for at in range(rounds):
            for peer in PEERS[at % len(PEERS) :] + PEERS[: at % len(PEERS)]:
                out = Path(folder) / peer
                shutil.rmtree(out, ignore_errors=True)
                command = [sys.executable, Path(__file__).with_name("convert.py"), peer, source, out, str(processors)]
                if peer == "candlewick":
                    command = [program, "ingest", "--symbols", "BTCUSDT", "--intervals", "1m", "--from", months[0]]
                    command += ["--to", months[-1], "--portal", f"file://{portal}", "--lake", out]
                start = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                seconds[peer].append(time.perf_counter() - start)
        compare(Path(folder))
        sizes = {peer: sum(f.stat().st_size for f in (Path(folder) / peer).rglob("*.parquet")) / 1e6 for peer in PEERS}
    own = min(seconds["candlewick"])
    print(f"{'program':14}{'seconds':>9}{'MB/s':>7}{'candlewick is':>16}{'Parquet MB':>12}")
    for peer in PEERS:
        best = min(seconds[peer])
        print(f"{peer:14}{best:9.2f}{megabytes / best:7.0f}{best / own:14.1f} x{sizes[peer]:12.1f}")


def compare(folder):
    """The same rows and sums of all, by one reader."""
    import duckdb

    figures = {}
    for peer in PEERS:
        columns = ["open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"]
        sums = ", ".join(f"sum({c}::DECIMAL(38,8))" for c in columns)
        query = f"""SELECT count(*), sum(epoch_us(open_time)::HUGEINT), sum(epoch_us(close_time)::HUGEINT), sum(trades), {sums}
                    FROM read_parquet('{folder / peer}/**/*.parquet')"""
        figures[peer] = duckdb.sql(query).fetchall()[0]
    assert len(set(figures.values())) == 1, figures
    print("all have the same rows and the same sums")


if __name__ == "__main__":
    main()
