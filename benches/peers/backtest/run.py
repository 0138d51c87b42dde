"""A moving-average cross over minutes: candlewick beside other backtesters and two C programs.

    python=$(benches/peers/backtest/setup)
    $python benches/peers/backtest/run.py [--bars 525600] [--fast 20] [--slow 50] [--rounds 3]

Each round runs every program once, in turn, so that a busy machine hits all alike; the best of
the rounds counts. README.md says what the figures hold.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bars as minutes
import with_candlewick as candlewick
from task import ONE, Task, read_bars, traded, write_bars

HERE = Path(__file__).parent
PEERS = {
    "candlewick": "replay as the program says it; whole: lake read, report of a row a bar written",
    "bare.c": "doubles, no filters, no volume limit, no equity on the way",
    "duties.c": "candlewick's rules for this strategy by hand; must end with the same money",
    "vectorbt": "signals as arrays, one compiled loop; floats, no filters, no volume limit; commission in quote asset",
    "hftbacktest": "a bar becomes levels of a book; compiled strategy; floats, no filters; commission in quote asset",
    "backtesting.py": "loop in Python and its statistics; floats, whole steps, no volume limit, spread as a share",
    "nautilus": "a bar becomes four ticks of a book; risk engine; fills at the close, not the next open; no volume limit",
}
IN_PYTHON = ["vectorbt", "hftbacktest", "backtesting.py", "nautilus"]
SCRIPTS = {name: HERE / f"with_{name.removesuffix('.py')}.py" for name in IN_PYTHON}
SLOW = {"backtesting.py", "nautilus"}
# Those that can replay again in a process, and how often they do for the figure called warm.
AGAIN = {"bare.c": 30, "duties.c": 30, "vectorbt": 4, "hftbacktest": 4}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bars", type=int, default=int(os.environ.get("BARS", 525_600)))
    parser.add_argument("--slow-bars", type=int, default=50_000, help="bars for the slow peers")
    parser.add_argument("--file", type=Path, help="real minutes, CSV or Parquet, instead of a random walk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fast", type=int, default=20)
    parser.add_argument("--slow", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cash", type=int, default=10_000)
    parser.add_argument("--stake", type=float, default=0.95)
    parser.add_argument("--fee", type=float, default=0.0001, help="small, so that the money lasts for all crossings")
    parser.add_argument("--only", default=",".join(PEERS), help="some of the peers")
    parser.add_argument("--program", type=Path, default=Path("target/release/candlewick"))
    parser.add_argument("--bench", nargs="?", const="cargo bench --bench replay --", help="the figures of candlewick in memory, too")
    parser.add_argument("--folder", type=Path, help="keep bars and lake here, and use them again")
    return parser.parse_args()


def prepare(folder, task, columns, program):
    """The files of all peers; those of an earlier run with the same bars and task are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    task.write(folder)
    write_bars(folder / "bars.bin", columns)
    key = hashlib.sha256((folder / "bars.bin").read_bytes() + (folder / "task.json").read_bytes()).hexdigest()
    stamp = folder / "made-of"
    if program.exists() and not (stamp.exists() and stamp.read_text() == key):
        candlewick.prepare(folder, task, columns, program)
        stamp.write_text(key)
    for name in ["bare", "duties"]:
        subprocess.run(["cc", "-O3", "-march=native", HERE / f"{name}.c", "-o", folder / name], check=True)


def command(peer, folder, task, count, passes, program):
    if peer == "candlewick":
        return candlewick.command(folder, program)
    if peer in SCRIPTS:
        return [sys.executable, SCRIPTS[peer], folder, str(count), str(passes)]
    units = [round(number * ONE) for number in (task.cash, task.stake, task.fee, task.tick)]
    return [folder / peer.removesuffix(".c"), folder / "bars.bin", *map(str, [passes, task.fast, task.slow, *units])]


def one(peer, folder, task, columns, count, program):
    """One process: what it says, and how long it took as a whole; and another for the warm figure."""

    def ended(passes):
        start = time.perf_counter()
        done = subprocess.run(command(peer, folder, task, count, passes, program), capture_output=True, text=True)
        assert done.returncode == 0, f"{peer}: {done.stderr[-3000:]}"
        return done, time.perf_counter() - start

    done, whole = ended(1)
    if peer == "candlewick":
        return candlewick.answer(folder, done.stderr, columns) | {"whole": whole}
    said = json.loads(done.stdout.splitlines()[-1])
    warm = json.loads(ended(AGAIN[peer])[0].stdout.splitlines()[-1])["warm"] if peer in AGAIN else None
    return said | {"whole": whole, "warm": warm}


def best(rounds):
    """The best of the rounds, time by time; the rest is the same in all."""
    times = {name: min(said[name] for said in rounds) for name in ["first", "warm", "whole"] if rounds[0].get(name)}
    return rounds[0] | times


def check(results, columns, task, counts):
    """Whether each traded on the crossings that there are, or why not; and whether the C program
    with candlewick's rules has candlewick's money."""
    for peer, said in results.items():
        expected = traded(columns["close"][: counts[peer]], task.fast, task.slow)
        if said["orders"] != expected:
            why = f"{said['refused']} were refused, and what was not bought cannot be sold" if said.get("refused") else "money, volume or rounding: look at its fills"
            print(f"{peer} sent {said['orders']} orders on {expected} crossings: {why}")
    if {"candlewick", "duties.c"} <= results.keys():
        same = ["orders", "fills", "refused", "equity"]
        ours, theirs = ({name: results[peer][name] for name in same} for peer in ["candlewick", "duties.c"])
        assert ours == theirs, f"candlewick and duties.c do not agree: {ours} and {theirs}"
        print("candlewick and duties.c end with the same money, to the last digit")


HEAD = {
    "": 15, "bars": 9, "first ns/bar": 13, "warm ns/bar": 12, "÷ candlewick": 13, "whole s": 9, "whole ns/bar": 13,
    "÷ candlewick ": 14, "orders": 8, "money at the end": 19,
}


def line(cells):
    return "".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells, HEAD.values())))


def table(results, counts):
    def per_bar(peer, name):
        return results[peer][name] / counts[peer] * 1e9 if peer in results and results[peer].get(name) else None

    def ratio(peer, name):
        own = per_bar("candlewick", name)
        return per_bar(peer, name) / own if own else None

    print(line(HEAD))
    for peer, said in results.items():
        figures = [per_bar(peer, "first"), per_bar(peer, "warm"), ratio(peer, "first"), said["whole"], per_bar(peer, "whole")]
        texts = ["-" if figure is None else f"{figure:.2f}" for figure in figures + [ratio(peer, "whole")]]
        money = said["equity"] if isinstance(said["equity"], str) else f"{said['equity']:.2f}"
        print(line([peer, str(counts[peer]), *texts, str(said["orders"]), money]))
    for peer, said in results.items():
        more = {name: said[name] for name in said if name not in {"first", "warm", "whole", "orders", "equity"}}
        print(f"{peer:15}{PEERS[peer]} {more or ''}")


def main():
    asked = arguments()
    task = Task(asked.fast, asked.slow, asked.cash, asked.stake, asked.fee, tick=0.01, step=0.00001)
    columns = minutes.read(asked.file) if asked.file else minutes.walk(asked.bars, asked.seed)
    count = min(len(columns["close"]), asked.bars)
    columns = {name: column[:count] for name, column in columns.items()}
    peers = [peer for peer in PEERS if peer in asked.only.split(",")]
    if "candlewick" in peers and not asked.program.exists():
        print(f"no {asked.program}: cargo build --release; going on without candlewick")
        peers.remove("candlewick")
    counts = {peer: min(count, asked.slow_bars) if peer in SLOW else count for peer in peers}
    packages = ["nautilus_trader", "backtesting", "vectorbt", "hftbacktest", "numba", "numpy", "pandas"]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        prepare(folder, task, columns, asked.program)
        columns = read_bars(folder / "bars.bin", count)
        print(f"{count} bars of {asked.file or 'a random walk'}, averages {task.fast}/{task.slow}, load {os.getloadavg()[0]:.1f}")
        print(f"Python {sys.version.split()[0]}, {versions}, {compiler}")
        rounds = {peer: [] for peer in peers}
        for at in range(asked.rounds):
            turn = at % len(peers)
            for peer in peers[turn:] + peers[:turn]:
                rounds[peer].append(one(peer, folder, task, columns, counts[peer], asked.program))
    results = {peer: best(rounds[peer]) for peer in peers}
    check(results, columns, task, counts)
    table(results, counts)
    if asked.bench:
        print("candlewick in memory, warm, on the bench's own bars (a walk of a year):")
        for name, per_bar in candlewick.in_memory(asked.bench):
            print(f"{per_bar:9.2f} ns/bar  {name}")


if __name__ == "__main__":
    main()
