"""The risk desk: `streamlit run streamlit_app/app.py`."""

from pathlib import Path

import streamlit as st

from risk_platform.errors import RiskPlatformError
from risk_platform.settings import load_settings
from streamlit_app import data
from streamlit_app.layout import moment

HERE = Path(__file__).parent


def freshness() -> None:
    """What the desk looks at, and how far it reaches, at the foot of the sidebar."""
    settings, latest = load_settings(), data.moments()
    st.sidebar.caption(
        f"Payments until **{moment(latest.event_time)}**  \n"
        f"Last decided **{moment(latest.decided_time)}**  \n"
        f"Times in {settings.timezone}"
    )
    st.sidebar.caption(f"Lake `{settings.lake_root}`")


st.set_page_config(page_title="Risk desk", page_icon=":material/shield:", layout="wide")
st.logo(str(HERE / "assets" / "logo.svg"), size="large")
page = st.navigation(
    [
        st.Page(HERE / "views" / "overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page(HERE / "views" / "queue.py", title="Work queue", icon=":material/inbox:"),
        st.Page(HERE / "views" / "alerts.py", title="Alerts", icon=":material/notification_important:"),
        st.Page(HERE / "views" / "payment.py", title="Payment", icon=":material/receipt_long:"),
        st.Page(HERE / "views" / "model.py", title="Model", icon=":material/model_training:"),
    ]
)
try:
    freshness()
    page.run()
except RiskPlatformError as error:
    st.error(str(error), icon=":material/error:")
