"""The summary of a demo as a narrow terminal shows it."""

import io

import pytest
from rich.console import Console

from risk_platform.cli.summary import Summary, print_summary, summarize
from risk_platform.lake.lake import Lake
from risk_platform_tests.app.desk_lake import build_desk_lake


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    root = tmp_path_factory.mktemp("summary") / "lake"
    build_desk_lake(root)
    return summarize(Lake(str(root)), seconds=12.0)


def printed(summary: Summary, width: int) -> list[str]:
    told = io.StringIO()
    print_summary(summary, Console(file=told, width=width))
    return told.getvalue().splitlines()


def test_each_address_has_a_line_of_its_own_at_80_columns(summary: Summary) -> None:
    assert [line.split() for line in printed(summary, 80) if "http" in line] == [
        ["risk", "desk", "http://127.0.0.1:8501"],
        ["service", "http://127.0.0.1:8000/docs"],
        ["Dagster", "http://127.0.0.1:3000"],
        ["MLflow", "http://127.0.0.1:5000"],
    ]


@pytest.mark.parametrize("width", [40, 200])
def test_no_address_is_broken_whatever_the_width(summary: Summary, width: int) -> None:
    assert printed(summary, width).count("service      http://127.0.0.1:8000/docs") == 1


def test_the_model_is_told_in_words(summary: Summary) -> None:
    lines = printed(summary, 80)
    assert any("Average precision" in line and "0.754" in line for line in lines)
    assert not any("average_precision" in line for line in lines)
    assert summary.as_json()["payments"] == 420
