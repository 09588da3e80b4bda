"""The charts of the risk desk: data frames in, Altair charts out."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from risk_platform.decisions.reasons import Reason
from streamlit_app.theme import LOWERS, MUTED, PRIMARY, RAISES, level_scale

WATERFALL_BARS = 9
CHART_HEIGHT = 250
AXIS_HEIGHT = 60


def _day() -> alt.X:
    axis = alt.Axis(format="%d %b", grid=False, labelOverlap=True, tickCount=6)
    return alt.X("event_date:T", timeUnit="yearmonthdate", title=None, axis=axis)


def daily_payments(days: pd.DataFrame) -> alt.Chart:
    """Payments per day as bars."""
    bars: alt.Chart = alt.Chart(days, height=CHART_HEIGHT).mark_bar(
        color=PRIMARY, opacity=0.75, cornerRadiusEnd=2
    )
    return bars.encode(
        x=_day(),
        y=alt.Y("payments:Q", title=None, axis=alt.Axis(format="~s", tickCount=4)),
        tooltip=[
            alt.Tooltip("event_date:T", title="Day", format="%d %b %Y"),
            alt.Tooltip("payments:Q", title="Payments", format=","),
            alt.Tooltip("shown_amount:N", title="Volume"),
        ],
    )


def daily_alert_rate(days: pd.DataFrame, budget: float) -> alt.LayerChart | alt.FacetChart:
    """Share of each day's decided payments that raised an alert, with the alert budget as a dashed line."""
    decided = days[days["decided"] > 0]
    decided = decided.assign(alert_rate=decided["alerts"] / decided["decided"], budget=budget)
    instant = alt.X("event_date:T", title=None, axis=alt.Axis(format="%d %b", grid=False, tickCount=6))
    base = alt.Chart(decided).encode(x=instant)
    rate = alt.Y("alert_rate:Q", title=None, axis=alt.Axis(format=".2~%", tickCount=4))
    tooltip = [
        alt.Tooltip("event_date:T", title="Day", format="%d %b %Y"),
        alt.Tooltip("alert_rate:Q", title="Alert rate", format=".2%"),
        alt.Tooltip("alerts:Q", title="Alerts", format=","),
        alt.Tooltip("decided:Q", title="Decided", format=","),
    ]
    area = base.mark_area(color=RAISES, opacity=0.08).encode(y=rate)
    line = base.mark_line(color=RAISES, strokeWidth=2, point=alt.OverlayMarkDef(size=30, color=RAISES))
    target = base.mark_line(color=MUTED, strokeDash=[5, 4]).encode(
        y="budget:Q", tooltip=[alt.Tooltip("budget:Q", title="Alert budget", format=".2%")]
    )
    return alt.layer(area, target, line.encode(y=rate, tooltip=tooltip)).properties(height=CHART_HEIGHT)


def level_bars(levels: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Decisions per level on a logarithmic axis, each level in its colour."""
    base = alt.Chart(levels).encode(
        y=alt.Y("level:N", sort=list(level_scale().domain), title=None),
        x=alt.X(
            "decisions:Q",
            title="Decisions (log scale)",
            scale=alt.Scale(type="symlog"),
            axis=alt.Axis(tickCount=4),
        ),
        tooltip=[
            alt.Tooltip("level:N"),
            alt.Tooltip("decisions:Q", format=","),
            alt.Tooltip("alerts:Q", format=","),
        ],
    )
    bars = base.mark_bar(cornerRadiusEnd=3, height=22).encode(
        color=alt.Color("level:N", scale=level_scale(), legend=None)
    )
    text = base.mark_text(align="left", dx=5).encode(text=alt.Text("decisions:Q", format=","))
    return alt.layer(bars, text).properties(height=34 * len(levels) + AXIS_HEIGHT)


def ranked_bars(
    rows: pd.DataFrame, label: str, value: str, title: str, form: str = ",", colour: str = PRIMARY
) -> alt.LayerChart | alt.FacetChart:
    """A horizontal bar for each row, in the order given, with its number beside it."""
    base = alt.Chart(rows).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
        x=alt.X(f"{value}:Q", title=title, axis=alt.Axis(tickCount=4, format=form)),
        tooltip=[alt.Tooltip(f"{name}:{kind}") for name, kind in ((label, "N"), (value, "Q"))],
    )
    bars = base.mark_bar(color=colour, cornerRadiusEnd=3, height=18)
    text = base.mark_text(align="left", dx=5).encode(text=alt.Text(f"{value}:Q", format=form))
    return alt.layer(bars, text).properties(height=30 * len(rows) + AXIS_HEIGHT)


def waterfall(base_value: float, reasons: Sequence[Reason], margin: float) -> alt.LayerChart | alt.FacetChart:
    """The way from the model's base value to the margin in log odds, the strongest reasons each a bar."""
    steps = _steps(base_value, reasons, margin)
    ticks = alt.Axis(tickCount=6, format=".0f")
    base = alt.Chart(steps).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, grid=False)),
        tooltip=[alt.Tooltip("label:N", title="Reason"), alt.Tooltip("told:N", title="Because")],
    )
    bars = base.mark_bar(cornerRadius=2, height=18).encode(
        x=alt.X(
            "start:Q", title="Log odds of fraud", scale=alt.Scale(domain=_room_for_text(steps)), axis=ticks
        ),
        x2="end:Q",
        color=alt.Color(
            "effect:N",
            scale=alt.Scale(domain=["raises", "lowers", "total"], range=[RAISES, LOWERS, PRIMARY]),
            legend=None,
        ),
    )
    text = base.mark_text(align="left", dx=5).encode(x="right:Q", text="shown:N")
    return alt.layer(bars, text).properties(height=32 * len(steps) + AXIS_HEIGHT)


def _room_for_text(steps: pd.DataFrame) -> list[float]:
    low, high = min(steps["start"].min(), steps["end"].min()), steps["right"].max()
    return [low - 0.02 * (high - low), high + 0.13 * (high - low)]


def _steps(base_value: float, reasons: Sequence[Reason], margin: float) -> pd.DataFrame:
    strongest = sorted(reasons, key=lambda reason: -abs(reason.attribution))
    shown, rest = strongest[:WATERFALL_BARS], strongest[WATERFALL_BARS:]
    moves = [(reason.title, reason.attribution, reason.sentence) for reason in shown]
    if rest:
        moves.append(
            (f"{len(rest)} weaker ones", sum(reason.attribution for reason in rest), "All others together.")
        )
    rows = [("Average payment", 0.0, base_value, "total", f"{base_value:+.2f}", "Where the model starts.")]
    at = base_value
    for title, move, sentence in moves:
        rows.append((title, at, at + move, "raises" if move > 0 else "lowers", f"{move:+.2f}", sentence))
        at += move
    rows.append(("This payment", 0.0, margin, "total", f"{margin:+.2f}", "Where the model ends."))
    steps = pd.DataFrame(rows, columns=["label", "start", "end", "effect", "shown", "told"])
    return steps.assign(right=steps[["start", "end"]].max(axis=1))


def timeline(payments: pd.DataFrame, symbol: str) -> alt.LayerChart | alt.FacetChart:
    """A customer's payments over time by amount, coloured by level, the one looked at (`this`) ringed."""
    payments = payments.assign(level=payments["level"].fillna("not decided")).drop(columns="event_time")
    scale = level_scale()
    domain, colours = [*scale.domain, "not decided"], [*scale.range, MUTED]
    base = alt.Chart(payments).encode(
        x=alt.X("local_time:T", title=None, axis=alt.Axis(format="%d %b", grid=False, tickCount=8)),
        y=alt.Y("amount:Q", title=f"Amount ({symbol})", axis=alt.Axis(format="~s", tickCount=5)),
    )
    stems = base.mark_rule(color="#DDE2EA").encode(y2=alt.datum(0))
    points = base.mark_circle(size=70, opacity=0.9).encode(
        color=alt.Color("level:N", scale=alt.Scale(domain=domain, range=colours), title="Level"),
        tooltip=[
            alt.Tooltip("local_time:T", title="Time", format="%d %b %Y %H:%M"),
            alt.Tooltip("shown_amount:N", title="Amount"),
            alt.Tooltip("channel:N", title="Channel"),
            alt.Tooltip("counterparty_id:N", title="Payee"),
            alt.Tooltip("level:N", title="Level"),
            alt.Tooltip("judged:N", title="Judged"),
        ],
    )
    ring = base.transform_filter("datum.this").mark_point(size=320, color="#1B2330", strokeWidth=2.5)
    return alt.layer(stems, points, ring).properties(height=250)


def metric_over_versions(rows: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """One metric over model versions with its 95 % interval, and the floor it has to beat as a tick."""
    base = alt.Chart(rows).encode(
        x=alt.X("model_version:N", sort=None, title="Model version", axis=alt.Axis(labelAngle=0))
    )
    value = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, padding=12))
    intervals = base.mark_rule(color=MUTED, strokeWidth=2).encode(y=alt.Y("low:Q", title=None), y2="high:Q")
    points = base.mark_point(size=110, opacity=1, filled=True).encode(
        y=value,
        color=alt.Color(
            "verdict:N", scale=alt.Scale(domain=["promoted", "refused"], range=[PRIMARY, MUTED]), legend=None
        ),
        tooltip=[
            alt.Tooltip("model_version:N"),
            *(alt.Tooltip(f"{n}:Q", format=".4f") for n in ("value", "low", "high", "floor")),
        ],
    )
    floors = base.mark_tick(color=MUTED, thickness=3, size=28).encode(y="floor:Q")
    return alt.layer(intervals, floors, points).properties(height=230)
