"""Settings: typed, named in errors, each one in the README and in .env.example."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.durations import format_duration, parse_duration
from risk_platform.errors import SettingsError
from risk_platform.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented(document: str) -> None:
    text = (ROOT / document).read_text()
    missing = {f"RISK_{name.upper()}" for name in Settings.model_fields if f"RISK_{name.upper()}" not in text}
    assert missing == set()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RISK_TIMEZONE", "Asia/Calcuta", "not an IANA time zone"),
        ("RISK_LABEL_MATURITY", "a week", "not a duration"),
        ("RISK_START_DATE", "yesterday", "date"),
        ("RISK_LOW_THRESHOLD", "0.6", "must hold"),
        ("RISK_ALERT_BUDGET", "0", "greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as refusal:
        load_settings()
    assert name in str(refusal.value)


def test_a_duration_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_LABEL_MATURITY", "36h")
    assert load_settings().label_maturity == timedelta(hours=36)


@given(st.integers(0, 10**7))
def test_durations_survive_writing(seconds: int) -> None:
    assert parse_duration(format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
