"""The results of a batch as one self-contained HTML page."""

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from pathlib import Path

from risk_platform.transactions.expectations import ExpectationResult

_STYLE = """
body { font-family: system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; text-align: left; border-bottom: 1px solid #ddd; }
td.count { text-align: right; font-variant-numeric: tabular-nums; }
.held { color: #1a7f37; } .broken { color: #b42318; font-weight: 600; }
"""


def write_report(
    results: Sequence[ExpectationResult], folder: Path, *, from_date: date, to_date: date, checked: datetime
) -> Path:
    """Write the page for the batch of those days into `folder`; it fetches nothing. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"contract_{from_date.isoformat()}_{to_date.isoformat()}.html"
    held = sum(result.success for result in results)
    title = f"Contract of the payments from {from_date} to {to_date}"
    rows = "\n".join(_row(result) for result in results)
    path.write_text(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title}</h1>
<p>{held} of {len(results)} expectations held on {results[0].row_count if results else 0} rows,
checked {checked:%Y-%m-%d %H:%M} UTC.</p>
<table><thead><tr><th>Expectation</th><th>What it says</th><th>If broken</th><th>Verdict</th>
<th>Broken by</th><th>Observed</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
""",
        "utf-8",
    )
    return path


def _row(result: ExpectationResult) -> str:
    verdict = '<td class="held">held</td>' if result.success else '<td class="broken">broken</td>'
    severity = "blocks" if result.blocking else "flags"
    return (
        f"<tr><td>{escape(result.expectation)}</td><td>{escape(result.description)}</td><td>{severity}</td>{verdict}"
        f'<td class="count">{result.unexpected_count}</td><td>{escape(result.observed)}</td></tr>'
    )
