"""Model: what was trained, how good it is against its floors, and what it looks at."""

import pandas as pd
import streamlit as st

from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.features.spec import load_feature_spec
from risk_platform.models.metric_titles import METRIC_TITLES
from streamlit_app import charts, data
from streamlit_app.layout import card, empty, head, local

CARDS, CHARTS = 4, 6
SHOWN_FEATURES = 20


def champion(versions: pd.DataFrame, metrics: pd.DataFrame) -> None:
    """The key figures of the serving model, or that there is none."""
    promoted = versions[versions["verdict"] == "promoted"]
    if promoted.empty:
        st.warning("No model was promoted so far; the latest verdict says why.", icon=":material/warning:")
        return
    best = promoted.iloc[0]
    own = metrics[metrics["model_version"] == best["model_version"]].set_index("metric")
    st.caption(
        f"Champion: version {best['model_version']}, trained on {best['train_from']:%d %b %Y} to "
        f"{best['train_to']:%d %b %Y}, {len(best['features'])} features."
    )
    cards = st.columns(CARDS)
    for place, name in zip(cards, list(METRIC_TITLES)[:CARDS], strict=True):
        if name in own.index:
            floor = own.at[name, "floor"]
            below = None if pd.isna(floor) else f"floor {floor:.3f}"
            card(place, METRIC_TITLES[name], f"{own.at[name, 'value']:.3f}", below)


def over_versions(metrics: pd.DataFrame) -> None:
    """One chart for each of the main metrics, over all versions."""
    st.subheader("Over versions", anchor=False)
    st.caption(
        "Dot: value on the test fold, blue when the model was promoted. Line: 95 % interval. "
        "Grey tick: the floor that a model has to beat."
    )
    known = [name for name in METRIC_TITLES if (metrics["metric"] == name).any()]
    for start in range(0, min(len(known), CHARTS), 3):
        for column, name in zip(st.columns(3), known[start : start + 3], strict=False):
            with column:
                st.markdown(f"**{METRIC_TITLES[name]}**")
                st.altair_chart(charts.metric_over_versions(metrics[metrics["metric"] == name]))


def verdicts(versions: pd.DataFrame) -> None:
    """Every version with what it was trained on and why it was promoted or refused."""
    st.subheader("Verdicts", anchor=False)
    shown = versions.assign(
        trained_time=local(versions["trained_time"]),
        features=versions["features"].map(len),
    )[["model_version", "verdict", "reason", "trained_time", "train_from", "train_to", "features"]]
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "model_version": "Version",
            "verdict": "Verdict",
            "reason": st.column_config.TextColumn("Reason", width="large"),
            "trained_time": st.column_config.DatetimeColumn("Trained", format="DD MMM YYYY, HH:mm"),
            "train_from": st.column_config.DateColumn("From", format="DD MMM YYYY"),
            "train_to": st.column_config.DateColumn("To", format="DD MMM YYYY"),
            "features": "Features",
        },
    )


def one_version(versions: pd.DataFrame, metrics: pd.DataFrame) -> None:
    """Metrics and feature importance of the version chosen."""
    version = st.selectbox("Version", versions["model_version"].tolist(), key="version", width=240)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Metrics", anchor=False)
        st.dataframe(
            metric_table(metrics[metrics["model_version"] == version]), hide_index=True, height="content"
        )
    with right:
        st.subheader("What it looks at", anchor=False)
        importance(version)
    chosen = versions[versions["model_version"] == version].iloc[0]
    feature_list(list(chosen["features"]))


def metric_table(own: pd.DataFrame) -> pd.DataFrame:
    """Each metric in words with its value, interval and floor, the most telling first."""
    known = {name: place for place, name in enumerate(METRIC_TITLES)}
    # What another version measured comes last, under its own name.
    own = own.sort_values("metric", key=lambda names: names.map(known), kind="stable")
    shown = {
        "Metric": [METRIC_TITLES.get(name, name) for name in own["metric"]],
        "Value": own["value"].map("{:.4f}".format),
    }
    low, high = own["low"].map("{:.4f}".format), own["high"].map("{:.4f}".format)
    shown["95 % interval"] = (low + " to " + high).where(own["low"].notna(), "–")
    shown["Floor"] = own["floor"].map("{:.4f}".format).where(own["floor"].notna(), "–")
    return pd.DataFrame(shown)


def importance(version: str) -> None:
    """The strongest features by mean absolute attribution, in words."""
    strongest = data.importances(version).head(SHOWN_FEATURES)
    if strongest.empty:
        empty("No global summary for this version.", "Materialize `feature_importances` in Dagster.")
        return
    st.altair_chart(
        charts.ranked_bars(
            strongest, "feature", "mean_abs_shap", "Mean absolute attribution (log odds)", ".2f"
        )
    )


def feature_list(names: list[str]) -> None:
    """Every input of a model, with its meaning and the reason code that speaks for it."""
    dictionary, spec = ReasonDictionary.shipped(), load_feature_spec()
    rows = [
        (
            name,
            spec.description(name) if name in spec.names else "No longer in the feature spec.",
            dictionary.wording(name).code,
        )
        for name in names
    ]
    with st.expander(f"The {len(names)} features and what they mean"):
        table = pd.DataFrame(rows, columns=["Feature", "Meaning", "Reason code"])
        st.dataframe(
            table, hide_index=True, column_config={"Meaning": st.column_config.TextColumn(width="large")}
        )


head("Model", "What was trained, how good it is against its floors, and what it looks at.")
versions = data.model_versions()
if versions.empty:
    empty(
        "No model was trained yet.",
        "Materialize `challenger` in Dagster once payments were judged, or run `risk-platform demo`.",
    )
else:
    metrics = data.model_metrics()
    champion(versions, metrics)
    over_versions(metrics)
    verdicts(versions)
    one_version(versions, metrics)
