"""One peer converts all archives of a folder: zip -> CSV -> one Parquet file a month, zstd 1.

    convert.py PEER FROM_FOLDER TO_FOLDER PROCESSES

Exact decimals, DECIMAL(18,8) and DECIMAL(38,8), and times in microseconds, as in a lake. Each at
its best that we found: as many processes as processors, each with one thread of its own, months
dealt out one by one. No peer checks checksums, the order of rows or what is in them, nor does it
sync to the disk; candlewick does all of that. `zipfile` checks the CRC, `isal` does not.
"""

import io
import multiprocessing
import os
import struct
import sys
import zipfile
from pathlib import Path

COLUMNS = [
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
]
TIMES = {"open_time", "close_time"}
PRICES = {"open", "high", "low", "close"}
VOLUMES = {"volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"}
KEPT = COLUMNS[:-1]


def with_zipfile(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def with_isal(path):
    """The raw deflate stream of the only member, inflated by Intel's library."""
    from isal import isal_zlib

    data = Path(path).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = archive.infolist()[0]
    at = member.header_offset
    name, extra = struct.unpack("<HH", data[at + 26 : at + 30])
    start = at + 30 + name + extra
    raw = memoryview(data)[start : start + member.compress_size]
    return isal_zlib.decompress(raw, wbits=-15, bufsize=member.file_size)


def polars(csv, out):
    import polars as pl

    kinds = {c: pl.Int64 if c in TIMES or c == "trades" else pl.Decimal(18 if c in PRICES else 38, 8) for c in KEPT}
    kinds["ignore"] = pl.String
    frame = pl.read_csv(csv, has_header=False, new_columns=COLUMNS, schema=kinds)
    frame = frame.select(KEPT).with_columns(
        (pl.col("open_time") * 1000).cast(pl.Datetime("us", "UTC")),
        (pl.col("close_time") * 1000 + 999).cast(pl.Datetime("us", "UTC")),
    )
    frame.write_parquet(out, compression="zstd", compression_level=1, statistics=False)


def pyarrow(csv, out):
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet

    kinds = {c: pa.decimal128(18, 8) if c in PRICES else pa.decimal128(38, 8) for c in PRICES | VOLUMES}
    kinds |= {c: pa.int64() for c in TIMES | {"trades"}}
    table = pyarrow.csv.read_csv(
        pa.py_buffer(csv),
        read_options=pyarrow.csv.ReadOptions(column_names=COLUMNS, use_threads=False),
        convert_options=pyarrow.csv.ConvertOptions(column_types=kinds, include_columns=KEPT),
    )
    stamp = pa.timestamp("us", tz="UTC")
    for name, more in [("open_time", 0), ("close_time", 999)]:
        micros = pc.add(pc.multiply(table[name], 1000), more).cast(stamp)
        table = table.set_column(KEPT.index(name), name, micros)
    pyarrow.parquet.write_table(
        table, out, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False,
        store_decimal_as_integer=True,
    )


def duckdb(csv, out):
    import duckdb as db

    # Its reader of CSV wants a file; one in memory is the fastest that it can have.
    source = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp") / f"candlewick-peer-{os.getpid()}.csv"
    source.write_bytes(csv)
    kinds = {c: "BIGINT" if c in TIMES or c == "trades" else f"DECIMAL({18 if c in PRICES else 38},8)" for c in KEPT}
    kinds["ignore"] = "VARCHAR"
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
    con = db.connect(config={"threads": 1})
    con.execute(
        f"""COPY (SELECT * EXCLUDE ("ignore") REPLACE (
              make_timestamptz(open_time * 1000) AS open_time,
              make_timestamptz(close_time * 1000 + 999) AS close_time)
            FROM read_csv('{source}', header = false, auto_detect = false, delim = ',', columns = {{{columns}}}))
            TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
    )
    source.unlink()


PEERS = {
    "polars": (with_zipfile, polars),
    "polars+isal": (with_isal, polars),
    "pyarrow+isal": (with_isal, pyarrow),
    "duckdb+isal": (with_isal, duckdb),
}


def work(job):
    peer, path, out = job
    inflate, convert = PEERS[peer]
    convert(inflate(path), out)


def main():
    peer, source, target, processes = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    target.mkdir(parents=True, exist_ok=True)
    os.environ["POLARS_MAX_THREADS"] = "1"
    jobs = [(peer, str(path), str(target / (path.stem[-7:] + ".parquet"))) for path in sorted(source.glob("*.zip"))]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(work, jobs, chunksize=1)


if __name__ == "__main__":
    main()
