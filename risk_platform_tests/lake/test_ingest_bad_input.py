"""Whole files, mappings and arguments that are wrong: one sentence, exit code 1, nothing written."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.errors import RiskPlatformError
from risk_platform.lake.ingest import ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import INGESTED_FILES, JUDGEMENTS, RAW_TRANSACTIONS, TABLES
from risk_platform.settings import settings
from risk_platform.transactions.mapping import load_mapping

SHOP = """source: shop
columns:
  transaction_id: id
  event_time: time
  customer_id: payer
  amount: amount
constants: {channel: UPI}
"""
HEADER = "id,time,payer,amount\n"
GOOD = HEADER + "p1,2026-01-01,alice,1.50\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose lake holds one payment."""
    monkeypatch.setenv("RISK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    Path("shop.yaml").write_text(SHOP)
    Path("good.csv").write_text(GOOD)
    assert run("good.csv").exit_code == 0
    return tmp_path / "home"


def run(*arguments: str, mapping: str = "shop.yaml"):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, ["ingest", *arguments, "--mapping", mapping])


def versions(home: Path) -> dict[str, int]:
    lake = Lake(str(home / "lake"))
    return {table.name: lake.version(table) for table in TABLES}


def payments(count: int) -> pa.Table:
    """Good payments in the columns of the shop."""
    return pa.table(
        {
            "id": [f"q{i}" for i in range(count)],
            "time": ["2026-01-01"] * count,
            "payer": [f"customer {i % 97}" for i in range(count)],
            "amount": [f"{i}.25" for i in range(count)],
        }
    )


def cut_short(path: str, share: float) -> None:
    pq.write_table(payments(5000), path)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: int(len(whole) * share)])


def damaged(path: str) -> None:
    """A Parquet file whose footer is right and whose pages are not."""
    pq.write_table(payments(5000), path, compression="zstd")
    whole = bytearray(Path(path).read_bytes())
    whole[100:1100] = bytes(1000)
    Path(path).write_bytes(bytes(whole))


BAD_FILES = {
    "missing.csv": (None, "missing.csv cannot be read: No such file or directory."),
    "empty.csv": (lambda path: Path(path).write_bytes(b""), "empty.csv is empty."),
    "blank.csv": (lambda path: Path(path).write_bytes(b"\n \n\n"), "blank.csv is empty: it has no line."),
    "folder": (lambda path: Path(path).mkdir(), "folder is a folder; name the file in it."),
    "delimiter.csv": (
        lambda path: Path(path).write_text(GOOD.replace(",", ";")),
        "The header of delimiter.csv is one column 'id;time;payer;amount': is the delimiter ';'?",
    ),
    "column.csv": (
        lambda path: Path(path).write_text(GOOD.replace("amount", "amounts")),
        "shop.yaml: line 6: amount reads column 'amount', which column.csv lacks, did you mean 'amounts'?",
    ),
    "twice.csv": (
        lambda path: Path(path).write_text(
            GOOD.replace("payer", "payer,payer").replace("alice", "alice,bob")
        ),
        "twice.csv has the column 'payer' twice; rename one.",
    ),
    "cut.parquet": (
        lambda path: cut_short(path, 0.5),
        "cut.parquet is not a whole Parquet file; was it cut short?",
    ),
    "damaged.parquet": (damaged, "damaged.parquet breaks off or is damaged after row 0:"),
    "sheet.csv": (
        lambda path: Path(path).write_bytes(b"PK\x03\x04\0\0\0\n\0\0"),
        "is neither Parquet nor text",
    ),
    "latin.csv": (
        lambda path: Path(path).write_bytes("id,time,payér,amount\n".encode("latin-1")),
        "The header of latin.csv is not utf-8; set `encoding`.",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_changes_nothing(home: Path, name: str) -> None:
    make, sentence = BAD_FILES[name]
    if make is not None:
        make(name)
    before = versions(home)
    result = run(name)
    assert isinstance(result.exception, RiskPlatformError)
    assert sentence in str(result.exception)
    assert versions(home) == before


def test_one_bad_file_of_several_stops_the_command_before_the_first(home: Path) -> None:
    Path("more.csv").write_text(GOOD.replace("p1", "p2"))
    before = versions(home)
    assert "cannot be read" in str(run("more.csv", "missing.csv").exception)
    assert versions(home) == before


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (
            SHOP.replace("payer", "pajer"),
            "line 5: customer_id reads column 'pajer', which good.csv lacks, did you mean 'payer'?",
        ),
        (
            SHOP.replace("customer_id", "custmer_id"),
            "line 5: 'custmer_id' is not a canonical name of payments, did you mean 'customer_id'?",
        ),
        (
            SHOP.replace("event_time: time", "event_time: {column: time, timezone: 5}"),
            "line 4: timezone: '5' is not an IANA time zone",
        ),
        ("source: [", "this is not YAML"),
        (
            SHOP + "format: parquet\n",
            "good.csv is no Parquet file, but the mapping typo.yaml says `format: parquet`.",
        ),
    ],
)
def test_a_bad_mapping_is_refused_with_its_line(home: Path, mapping: str, sentence: str) -> None:
    Path("typo.yaml").write_text(mapping)
    before = versions(home)
    result = run("good.csv", mapping="typo.yaml")
    assert sentence in str(result.exception)
    assert versions(home) == before


def test_the_process_prints_one_line_and_exits_with_1(home: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from risk_platform.cli.main import run; run()",
        "ingest",
        "no.csv",
        "--mapping",
        "shop.yaml",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: no.csv cannot be read: No such file or directory.\n"


def test_totals_for_machines(home: Path) -> None:
    Path("more.csv").write_text(GOOD + "p2,never,alice,1\np3,2026-01-01,bob,2\n")
    result = run("more.csv", "--json", "totals.json")
    assert result.exit_code == 0
    totals = json.loads(Path("totals.json").read_text())
    assert {key: totals[key] for key in ("read", "accepted", "quarantined", "duplicates")} == {
        "read": 3,
        "accepted": 1,
        "quarantined": {"event_time_unreadable": 1},
        "duplicates": 1,
    }


def test_a_dry_run_shows_rows_and_refusals_and_writes_nothing(home: Path) -> None:
    Path("more.csv").write_text(GOOD + "p2,never,alice,1\n")
    before = versions(home)
    result = run("more.csv", "--dry-run")
    assert "amount_minor" in result.output
    assert "record 2 would be quarantined: event_time_unreadable, event_time: 'never'" in result.output
    assert versions(home) == before


def test_a_full_disk_is_one_sentence_and_changes_nothing(home: Path) -> None:
    """A limit on file sizes stands in for the disk: the scratch copy cannot be written."""
    pq.write_table(payments(200_000), "many.parquet")
    before = versions(home)
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000));"
        "from risk_platform.cli.main import run; run()"
    )
    command = [sys.executable, "-c", program, "ingest", "many.parquet", "--mapping", "shop.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "many.parquet was not taken in and nothing was changed" in done.stderr
    assert done.stderr.count("\n") == 1
    assert versions(home) == before


INTERRUPTED = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from risk_platform.lake.ingest import ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.transactions.mapping import load_mapping

writes_left = int(sys.argv[1])

def _count_down():
    global writes_left
    if writes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    writes_left -= 1

class Watched(Lake):
    '''A lake whose process is killed just before its nth write.'''

    def append_at(self, *args):
        _count_down()
        return super().append_at(*args)

    def insert_if_absent(self, *args):
        _count_down()
        return super().insert_if_absent(*args)

ingest_file(Watched(sys.argv[2]), Path(sys.argv[3]), load_mapping(sys.argv[4]), timezone="UTC",
            label_maturity=timedelta(days=7), now=datetime(2026, 3, 1, tzinfo=UTC))
"""


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_killed_ingest_is_completed_by_the_next(tmp_path: Path, writes: int) -> None:
    mapping, path, root = tmp_path / "shop.yaml", tmp_path / "file.csv", str(tmp_path / "lake")
    mapping.write_text(SHOP.replace("constants", "  is_fraud: fraud\nconstants"))
    path.write_text(
        "id,time,payer,amount,fraud\np1,2026-01-01,a,1,1\np1,2026-01-01,a,1,1\np2,x,a,1,0\np3,2026-01-02,b,2,0\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(writes), root, str(path), str(mapping)],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    lake = Lake(root)
    assert lake.read(INGESTED_FILES).num_rows == 0
    report = ingest_file(
        lake,
        path,
        load_mapping(mapping),
        timezone="UTC",
        label_maturity=timedelta(days=7),
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert (report.read, report.accepted, report.quarantined, report.duplicates) == (
        4,
        2,
        {"event_time_unreadable": 1},
        1,
    )
    assert sorted(lake.read(RAW_TRANSACTIONS)["transaction_id"].to_pylist()) == ["p1", "p3"]
    assert lake.read(JUDGEMENTS)["transaction_id"].to_pylist() == ["p1"]
    assert lake.read(INGESTED_FILES).num_rows == 1
