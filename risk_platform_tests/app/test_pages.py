from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "streamlit_app" / "app.py"


def opened(page: str | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    for name, value in address.items():
        app.query_params[name] = value
    if page:
        app = app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


@pytest.fixture
def desk(desk_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_HOME", str(desk_home))


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.usefixtures("desk")
def test_overview_counts_payments_alerts_and_refused_rows() -> None:
    app = opened()
    shown = metrics(app)
    assert shown["Payments"] == "420"
    print(shown)
