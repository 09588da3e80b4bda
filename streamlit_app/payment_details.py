"""The tabs below a payment: its fields, what the model saw, the record of the decision, the judgements."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import streamlit as st

from risk_platform.decisions.figures import money
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.lake.table import Table
from risk_platform.lake.tables import DECISIONS, TRANSACTIONS
from streamlit_app.layout import local, moment
from streamlit_app.told import values_of
from streamlit_app.values import Decision

RECORD = (
    "decision_id",
    "decided_time",
    "decided_by",
    "probability",
    "score",
    "margin",
    "level",
    "advice",
    "alerted",
    "degraded_reason",
    "bundle_hash",
    "thresholds_hash",
    "features_version",
)


def details(payment: pd.Series, decision: Decision | None, judged: pd.DataFrame) -> None:
    """Four tabs about `payment`."""
    fields, values, record, judgements = st.tabs(
        ["Payment", "What the model saw", "Decision record", "Judgements"]
    )
    with fields:
        st.dataframe(field_table(payment), hide_index=True, height="content")
    with values:
        seen(decision, str(payment["currency"]))
    with record:
        evidence(decision)
    with judgements:
        reported(judged)


def field_table(payment: pd.Series) -> pd.DataFrame:
    """Every field that the payment has, with its meaning from the table registry."""
    named = {str(name): value for name, value in payment.items()}
    shown = {name: _told(value) for name, value in named.items() if not _absent(value)}
    shown["amount_minor"] = money(named["amount_minor"], named["currency"])
    return _with_meaning(TRANSACTIONS, shown)


def seen(decision: Decision | None, currency: str) -> None:
    """Every feature with its stored value, in words and as the model got it."""
    if decision is None or decision.features is None:
        st.caption("There is no decision whose model is known.")
        return
    dictionary = ReasonDictionary.shipped()
    rows = [
        (dictionary.wording(name).tell(value, currency), name, value)
        for name, value in zip(decision.features, values_of(decision), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["In words", "Feature", "Value"])
    st.dataframe(
        table, hide_index=True, column_config={"In words": st.column_config.TextColumn(width="large")}
    )


def evidence(decision: Decision | None) -> None:
    """What the decision was made with, for whoever recomputes it."""
    if decision is None:
        st.caption(
            "Nobody decided this payment: it lies in the training span, or decisions are still to be made."
        )
        return
    shown = {name: _told(value) for name in RECORD if (value := getattr(decision, name)) is not None}
    st.dataframe(_with_meaning(DECISIONS, shown), hide_index=True, height="content")


def reported(judged: pd.DataFrame) -> None:
    """Everything that was found about the payment, latest first."""
    if judged.empty:
        st.caption("Nobody reported anything about this payment so far.")
        return
    table = pd.DataFrame(
        {
            "Reported": local(judged["known_time"]),
            "Found to be": judged["is_fraud"].map({True: "fraud", False: "genuine"}),
            "By": judged["judged_by"],
            "Confidence": judged["confidence"],
        }
    )
    st.dataframe(table, hide_index=True)


def _with_meaning(table: Table, shown: dict[str, str]) -> pd.DataFrame:
    meanings = {column.name: column.description for column in table.columns}
    rows = [(name, value, meanings[name]) for name, value in shown.items()]
    return pd.DataFrame(rows, columns=["Field", "Value", "Meaning"])


def _absent(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.size == 0
    return value is None or value is pd.NaT or value != value


def _told(value: object) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return moment(value)
    if isinstance(value, date):
        return f"{value:%d %b %Y}"
    return str(value)
