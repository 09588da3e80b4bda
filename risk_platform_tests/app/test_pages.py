from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from risk_platform.models.fold_metrics import METRIC_NAMES
from risk_platform.models.metric_titles import METRIC_TITLES

APP = Path(__file__).resolve().parents[2] / "streamlit_app" / "app.py"


def opened(page: str | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    if page:
        app = app.switch_page(f"views/{page}.py")
    app.run()
    assert not app.exception
    return app


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def told(app: AppTest) -> str:
    """Every text of the page, in one string."""
    parts = (
        app.markdown,
        app.caption,
        app.info,
        app.warning,
        app.success,
        app.error,
        app.subheader,
        app.header,
    )
    return "\n".join(str(element.value) for group in parts for element in group)


@pytest.fixture
def desk(desk_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_HOME", str(desk_home))


@pytest.fixture
def empty_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_HOME", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("desk")
class TestOverview:
    def test_key_figures(self) -> None:
        app = opened()
        assert figures(app) == {
            "Payments": "420",
            "Volume": "₹3.03 L",
            "Alert rate": "10 %",
            "Quarantined": "7",
            "Latest payment": "14 Mar, 21:35",
        }
        details = [metric.delta for metric in app.metric][:4]
        assert details == ["30 a day", "₹721.00 on average", "21 of 210 decided", "1.6 % of rows read"]

    def test_a_shorter_period_counts_its_days_only(self) -> None:
        app = opened()
        app.button_group(key="period").set_value("7 days").run()
        assert figures(app)["Payments"] == "210"
        assert "08 Mar 2026 to 14 Mar 2026" in told(app)

    def test_channels_and_broken_expectations(self) -> None:
        channels, broken = (table.value for table in opened().dataframe)
        assert channels["Channel"].tolist() == ["CARD", "IMPS", "UPI"]
        assert channels["Payments"].tolist() == ["140", "140", "140"]
        assert channels["Reported frauds"].tolist() == ["2", "2", "1"]
        assert broken["expectation"].tolist() == ["city_is_known"]
        assert broken["unexpected_count"].tolist() == [7]


@pytest.mark.usefixtures("desk")
class TestAlerts:
    def test_riskiest_first_with_its_reason_in_words(self) -> None:
        app = opened("alerts")
        assert figures(app) == {
            "Alerts": "21",
            "Amount at risk": "₹1.05 L",
            "Judged": "6",
            "Of these fraud": "83 %",
        }
        table = app.dataframe[0].value
        assert len(table) == 21
        assert table["score"].is_monotonic_decreasing
        assert set(table["level"]) == {"CRITICAL"}
        assert set(table["reasons"]) == {"The amount is 9.0 times what this customer usually pays."}

    @pytest.mark.parametrize(
        ("filter_", "alerts"),
        [
            (lambda app: app.multiselect(key="channels").set_value(["UPI"]), 7),
            (lambda app: app.selectbox(key="judged").set_value("fraud"), 5),
            (lambda app: app.selectbox(key="judged").set_value("genuine"), 1),
            (lambda app: app.text_input(key="search").set_value("t1324"), 1),
            (lambda app: app.text_input(key="search").set_value("C04"), 21),
            (lambda app: app.button_group(key="levels").set_value(["CRITICAL"]), 21),
        ],
    )
    def test_filters(self, filter_, alerts: int) -> None:  # type: ignore[no-untyped-def]
        app = opened("alerts")
        filter_(app).run()
        assert not app.exception
        assert figures(app)["Alerts"] == str(alerts)

    def test_a_filter_that_leaves_nothing_says_so(self) -> None:
        app = opened("alerts")
        app.button_group(key="levels").set_value(["HIGH"]).run()
        assert figures(app)["Alerts"] == "0"
        assert "No alert matches. Widen the period or clear a filter." in told(app)


@pytest.mark.usefixtures("desk")
class TestPayment:
    def test_an_alert_is_explained_in_words(self) -> None:
        app = opened("payment", source="test", transaction_id="T0704")
        assert app.header[0].value == "₹5,000.00"
        assert figures(app) == {
            "Score": "0.932",
            "Probability of fraud": "89 %",
            "Decided": "15 Mar 2026, 06:30",
            "Model version": "1",
        }
        text = told(app)
        assert "**The amount is 9.0 times what this customer usually pays.**" in text
        assert "`R-AMOUNT-OWN-HABIT`" in text
        assert "Reported as fraud" in text
        assert "08 Mar 2026, 11:10 · CARD · C04 → M04" in text

    def test_fields_values_record_and_judgements(self) -> None:
        app = opened("payment", source="test", transaction_id="T0704")
        fields, seen, record, judged = (table.value for table in app.dataframe)
        assert dict(zip(fields["Field"], fields["Value"], strict=True))["amount_minor"] == "₹5,000.00"
        assert "city" in set(fields["Field"])
        assert seen["Value"].tolist() == [500_000.0, 9.0]
        assert dict(zip(record["Field"], record["Value"], strict=True))["decided_by"] == "batch"
        assert judged["Found to be"].tolist() == ["fraud"]

    def test_a_payment_of_the_training_span_has_no_decision(self) -> None:
        app = opened("payment", source="test", transaction_id="T0000")
        assert figures(app) == {}
        assert "Nobody decided this payment" in told(app)

    def test_a_low_payment_is_not_explained(self) -> None:
        app = opened("payment", source="test", transaction_id="T0800")
        assert "Reasons are kept for whatever is not LOW" in told(app)

    def test_search_by_customer_offers_the_latest_first(self) -> None:
        app = opened("payment")
        app.text_input(key="find").set_value("C04").run()
        assert app.selectbox(key="found").options[0] == "T1324 · 14 Mar 2026, 19:30 · UPI"
        assert app.header[0].value == "₹5,000.00"

    def test_unknown_payments_are_told(self) -> None:
        assert "no payment T99 of test" in told(opened("payment", source="test", transaction_id="T99"))
        app = opened("payment")
        app.text_input(key="find").set_value("nobody").run()
        assert "No payment, customer or payee has this identifier." in told(app)


@pytest.mark.usefixtures("desk")
class TestModel:
    def test_champion_verdicts_and_metrics(self) -> None:
        app = opened("model")
        assert "Champion: version 1, trained on 01 Mar 2026 to 07 Mar 2026, 2 features." in told(app)
        assert figures(app)["Average precision"] == "0.751"
        verdicts, metrics, features = (table.value for table in app.dataframe)
        assert features["Feature"].tolist() == ["amount", "customer_amount_to_mean_90d"]
        assert features["Reason code"].tolist() == ["R-AMOUNT", "R-AMOUNT-OWN-HABIT"]
        assert verdicts["verdict"].tolist() == ["refused", "promoted"]
        assert verdicts["reason"].tolist()[0] == "No better than version 1 beyond noise."
        rows = {row[0]: row[1:] for row in metrics.to_numpy().tolist()}
        assert rows["Average precision"] == ["0.7540", "0.7340 to 0.7740", "0.1200"]
        assert rows["Calibration slope"][2] == "–"
        assert list(rows) == [
            "Average precision",
            "Area under the ROC curve",
            "Card precision @ 100",
            "Recall at 1 % false positives",
            "Brier skill score",
            "Calibration slope",
            "Card precision @ 100, ceiling",
            "Accuracy at the threshold",
        ]

    def test_every_metric_of_a_model_has_a_name_for_people(self) -> None:
        assert set(METRIC_TITLES) == set(METRIC_NAMES)
        assert not [title for title in METRIC_TITLES.values() if "_" in title]


@pytest.mark.usefixtures("empty_desk")
@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (None, "No payments in the lake yet. Run `risk-platform demo`"),
        ("alerts", "No payments in the lake yet. Run `risk-platform demo`"),
        ("payment", "No payments in the lake yet. Run `risk-platform demo`"),
        ("model", "No model was trained yet. Materialize `challenger` in Dagster"),
    ],
)
def test_an_empty_lake_says_what_to_run(page: str | None, sentence: str) -> None:
    assert sentence in told(opened(page))


def test_a_torn_lake_is_one_sentence(
    desk_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "lake" / "transactions" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("")
    monkeypatch.setenv("RISK_HOME", str(tmp_path))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert [error.value.count("\n") for error in app.error] == [0]
    assert "transactions" in app.error[0].value
