"""The risk desk: `streamlit run streamlit_app/app.py`."""

from pathlib import Path

import streamlit as st

from risk_platform.errors import RiskPlatformError
from risk_platform.settings import load_settings

PAGES = Path(__file__).parent / "pages"

st.set_page_config(page_title="Risk desk", page_icon=":material/shield:", layout="wide")
page = st.navigation(
    [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page(PAGES / "alerts.py", title="Alerts", icon=":material/notification_important:"),
        st.Page(PAGES / "payment.py", title="Payment", icon=":material/receipt_long:"),
        st.Page(PAGES / "model.py", title="Model", icon=":material/model_training:"),
    ]
)
try:
    st.sidebar.caption(f"Lake  \n`{load_settings().lake_root}`")
    page.run()
except RiskPlatformError as error:
    st.error(str(error), icon=":material/error:")
