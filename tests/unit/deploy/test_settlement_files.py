"""Settlement reports in CSV files."""

from datetime import UTC, datetime

import pytest

from deploy.local.settlement_files import Extent, FileUnreadable, extent_of, name_of, rows_in
from deploy.psp.settlement import COLUMNS
from retail.payment.v1 import reconciliation_service_pb2 as pb

ROWS = (
    "txn_1,CAPTURE,pi_1,00000000-0000-0000-0000-000000000007,KWD,12345,25,12320,2026-01-01T08:00Z",
    "txn_2,PAYOUT,po_1,,EUR,-500,0,-500,2026-01-01T07:00:00",
)


HEAD = ",".join(COLUMNS)


@pytest.fixture
def file(tmp_path):
    def write(*rows, columns=HEAD):
        path = tmp_path / "report.csv"
        path.write_text("\n".join([columns, *rows]))
        return path

    return write


def test_a_report_as_the_psp_writes_it_is_read(file):
    first, second = rows_in(file(*ROWS))

    assert first.kind == pb.SETTLEMENT_ROW_KIND_CAPTURE
    assert (first.gross.currency_code, first.gross.units, first.gross.nanos) == (
        "KWD",
        12,
        345_000_000,
    )
    assert (second.transaction_id, second.net.units) == ("", -5)


def test_it_covers_the_time_of_its_rows(file):
    assert extent_of(file(*ROWS)) == Extent(
        2, datetime(2026, 1, 1, 7, tzinfo=UTC), datetime(2026, 1, 1, 8, tzinfo=UTC)
    )


def test_another_report_in_a_file_of_the_same_name_is_called_otherwise(file):
    first, again, other = (name_of(file(row)) for row in (ROWS[0], ROWS[0], ROWS[1]))

    assert first == again != other


@pytest.mark.parametrize(
    ("rows", "columns", "problem"),
    [
        ((), HEAD, "has no rows"),
        (ROWS, "row_id,kind", "lacks the columns source_id"),
        ((ROWS[0].replace("CAPTURE", "GIFT"),), HEAD, "line 2: .*GIFT"),
        ((ROWS[0].replace("12345", "12.345"),), HEAD, "line 2: .*12.345"),
        ((*ROWS, "txn_3,CAPTURE"), HEAD, "line 4"),
        ((ROWS[0].replace("2026-01-01T08:00Z", "today"),), HEAD, "line 2: .*today"),
    ],
)
def test_what_is_no_report_is_refused_by_the_line(file, rows, columns, problem):
    with pytest.raises(FileUnreadable, match=problem):
        extent_of(file(*rows, columns=columns))


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(FileUnreadable, match="No such file"):
        extent_of(tmp_path / "report.csv")
