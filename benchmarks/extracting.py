"""How fast and in how much memory a table of MariaDB becomes a delivery: a million rows of 13 columns, and ten million.

Beside it the server's own client reads the same rows and drops them: no reader of the text protocol can be faster than
what the server sends.
"""

import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import PAIRS, memory_of, ratio, timed
from benchmarks.table import Row
from vending_platform_tests.emulators.mariadb import MariaDb, make_empty, running_mariadb
from vending_platform_tests.extraction.parts import ExtractedDatabase

_TABLE = """create table wide (
    id bigint unsigned not null primary key, customer_id int not null, name varchar(60) not null,
    email varchar(80) not null, status enum('new', 'paid', 'shipped', 'done') not null, amount decimal(12, 2) not null,
    tax decimal(12, 2) not null, quantity smallint not null, ratio double, note varchar(200),
    ordered_at datetime not null,
    updated_at timestamp(6) not null default current_timestamp(6) on update current_timestamp(6), paid_on date)"""
_ROWS = """insert into wide select seq, seq mod 3000, concat('顧客 ', seq mod 1000), concat('c', seq, '@example.com'),
    elt(1 + seq mod 4, 'new', 'paid', 'shipped', 'done'), seq * 1.17 mod 100000, seq * 0.1 mod 9000, seq mod 50,
    seq / 7,
    if(seq mod 3 = 0, null, repeat('x', seq mod 40)), '2020-01-01' + interval seq mod 5000000 second,
    from_unixtime(1577836800 + seq), if(seq mod 5 = 0, null, date('2020-01-01' + interval seq mod 1000 day))
    from seq_1_to_{rows}"""


def extracting(folder: Path) -> list[Row]:
    """A million rows to a Parquet delivery, in turn with the client; and ten million in a process of its own."""
    (folder / "empty").mkdir()
    make_empty(folder / "empty")
    with running_mariadb(folder / "empty", folder) as server:
        server.run("create database few character set utf8mb4", "create database many character set utf8mb4")
        server.run(_TABLE, _ROWS.format(rows=1_000_000), database="few")
        ours, theirs = [], []
        for number in range(PAIRS + 1):
            client, _ = timed(lambda: _read_by_client(server, "few"))
            extracted, rows = timed(lambda: _extract(server, "few", folder / "extracted"))
            assert rows == 1_000_000
            if number:
                ours.append(extracted)
                theirs.append(client)
        speed = 1_000_000 / statistics.median(ours)
        server.run(_TABLE, _ROWS.format(rows=10_000_000), database="many")
        code = (
            "import sys; from pathlib import Path; from benchmarks.extracting import extract_and_tell;"
            "extract_and_tell(int(sys.argv[1]), Path(sys.argv[2]))"
        )
        command = [sys.executable, "-c", code, str(server.port), str(folder / "extracted")]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [
        Row("rows a second from MariaDB to a delivery", f"{speed:,.0f}", "200,000 at least", speed >= 200_000),
        ratio("the same, against the server's client that drops the rows", ours, theirs, 2.0),
        memory_of("memory of extracting 10,000,000 rows", int(printed), 300),
    ]


def extract_and_tell(port: int, folder: Path) -> None:
    """Extract the large table, and print the greatest memory (in KiB) that this process has had."""
    assert _extract(MariaDb(port, folder), "many", folder) == 10_000_000
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _extract(server: MariaDb, database: str, folder: Path) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    extracted = ExtractedDatabase(server, database, folder)
    extracted.propose()
    (done,) = extracted.extract().sources
    assert done.problem is None, done.problem
    return done.rows


def _read_by_client(server: MariaDb, database: str) -> None:
    command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-uroot", "--quick", "--batch"]
    subprocess.run([*command, "-e", "select * from wide", database], check=True, stdout=subprocess.DEVNULL)
