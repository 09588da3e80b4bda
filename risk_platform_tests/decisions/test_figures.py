import pytest

from risk_platform.decisions.figures import age, group_indian, money, number, share


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (100_000, "1,00,000"),
        (12_345_678, "1,23,45,678"),
        (-123_456, "-1,23,456"),
    ],
)
def test_indian_grouping(whole: int, text: str) -> None:
    assert group_indian(whole) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (12_345_650, "INR", "₹1,23,456.50"),
        (5, "INR", "₹0.05"),
        (-150, "EUR", "-€1.50"),
        (123_456_789, "USD", "$1,234,567.89"),
        (1500, "JPY", "JPY 1,500"),
        (1500, "KWD", "KWD 1.500"),
    ],
)
def test_money(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (150, "2 minutes"),
        (3 * 3600, "3 hours"),
        (36 * 3600, "36 hours"),
        (864_000, "10 days"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_number_and_share() -> None:
    assert [number(value) for value in (0, 12.4, 6.23, 0.0341)] == ["0", "12", "6.2", "0.034"]
    assert [share(value) for value in (0, 0.0341, 0.5, 1)] == ["0 %", "3.4 %", "50 %", "100 %"]
