"""The charts of the risk desk: data frames in, Altair charts out."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from risk_platform.decisions.reasons import Reason
from streamlit_app.theme import LOWERS, MUTED, PRIMARY, RAISES, level_scale

_DAY = alt.X("event_date:T", title=None, axis=alt.Axis(format="%d %b", grid=False, labelOverlap=True))
WATERFALL_BARS = 9


def daily_payments(days: pd.DataFrame) -> alt.LayerChart:
    """Payments per day as bars, the alert rate of decided payments as a line on its own axis."""
    days = days.assign(alert_rate=days["alerts"] / days["decided"].where(days["decided"] > 0))
    tooltip = [
        alt.Tooltip("event_date:T", title="Day", format="%d %b %Y"),
        alt.Tooltip("payments:Q", title="Payments", format=","),
        alt.Tooltip("alerts:Q", title="Alerts", format=","),
        alt.Tooltip("alert_rate:Q", title="Alert rate", format=".2%"),
    ]
    base = alt.Chart(days).encode(x=_DAY, tooltip=tooltip)
    bars = base.mark_bar(color="#C6D2E4", cornerRadiusEnd=2).encode(
        y=alt.Y("payments:Q", title="Payments", axis=alt.Axis(format="~s", tickCount=4))
    )
    line = base.mark_line(
        color=RAISES, strokeWidth=2, point=alt.OverlayMarkDef(size=22, color=RAISES)
    ).encode(
        y=alt.Y("alert_rate:Q", title="Alert rate", axis=alt.Axis(format=".1%", tickCount=4, grid=False))
    )
    both: alt.LayerChart = alt.layer(bars, line).resolve_scale(y="independent").properties(height=260)
    return both


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
    return alt.layer(bars, text).properties(height=170)


def ranked_bars(
    rows: pd.DataFrame, label: str, value: str, title: str, colour: str = PRIMARY
) -> alt.LayerChart | alt.FacetChart:
    """A horizontal bar for each row, in the order given, with its number beside it."""
    base = alt.Chart(rows).encode(
        y=alt.Y(f"{label}:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
        x=alt.X(f"{value}:Q", title=title, axis=alt.Axis(tickCount=4, format="~s")),
        tooltip=[alt.Tooltip(f"{name}:{kind}") for name, kind in ((label, "N"), (value, "Q"))],
    )
    bars = base.mark_bar(color=colour, cornerRadiusEnd=3)
    text = base.mark_text(align="left", dx=5).encode(text=alt.Text(f"{value}:Q", format="~s"))
    return alt.layer(bars, text).properties(height=max(90, 28 * len(rows)))


def waterfall(base_value: float, reasons: Sequence[Reason], margin: float) -> alt.LayerChart | alt.FacetChart:
    """The way from the model's base value to the margin in log odds, the strongest reasons each a bar."""
    steps = _steps(base_value, reasons, margin)
    base = alt.Chart(steps).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=260, grid=False)),
        tooltip=[alt.Tooltip("label:N", title="Reason"), alt.Tooltip("told:N", title="Because")],
    )
    bars = base.mark_bar(cornerRadius=2, height=18).encode(
        x=alt.X("start:Q", title="log odds of fraud", scale=alt.Scale(zero=False, padding=30)),
        x2="end:Q",
        color=alt.Color(
            "effect:N",
            scale=alt.Scale(domain=["raises", "lowers", "total"], range=[RAISES, LOWERS, PRIMARY]),
            legend=None,
        ),
    )
    text = base.mark_text(align="left", dx=5).encode(x="right:Q", text="shown:N")
    return alt.layer(bars, text).properties(height=30 * len(steps) + 30)


def _steps(base_value: float, reasons: Sequence[Reason], margin: float) -> pd.DataFrame:
    strongest = sorted(reasons, key=lambda reason: -abs(reason.attribution))
    shown, rest = strongest[:WATERFALL_BARS], strongest[WATERFALL_BARS:]
    moves = [(reason.title, reason.attribution, reason.sentence) for reason in shown]
    if rest:
        moves.append(
            (f"{len(rest)} weaker ones", sum(reason.attribution for reason in rest), "All others together.")
        )
    origin = min(0.0, base_value, margin)
    rows = [("Average payment", origin, base_value, "total", f"{base_value:+.2f}", "Where the model starts.")]
    at = base_value
    for title, move, sentence in moves:
        rows.append((title, at, at + move, "raises" if move > 0 else "lowers", f"{move:+.2f}", sentence))
        at += move
    rows.append(("This payment", origin, margin, "total", f"{margin:+.2f}", "Where the model ends."))
    steps = pd.DataFrame(rows, columns=["label", "start", "end", "effect", "shown", "told"])
    return steps.assign(right=steps[["start", "end"]].max(axis=1))


def timeline(payments: pd.DataFrame, symbol: str) -> alt.LayerChart | alt.FacetChart:
    """A customer's payments over time by amount, coloured by level, the one looked at (`this`) ringed."""
    payments = payments.assign(level=payments["level"].fillna("not decided"))
    scale = level_scale()
    domain, colours = [*scale.domain, "not decided"], [*scale.range, MUTED]
    base = alt.Chart(payments).encode(
        x=alt.X("local_time:T", title=None, axis=alt.Axis(grid=False, labelOverlap=True)),
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
    intervals = base.mark_rule(color=PRIMARY, strokeWidth=2).encode(y=alt.Y("low:Q", title=None), y2="high:Q")
    points = base.mark_circle(size=110, color=PRIMARY, opacity=1).encode(
        y=value,
        tooltip=[
            alt.Tooltip("model_version:N"),
            *(alt.Tooltip(f"{n}:Q", format=".4f") for n in ("value", "low", "high", "floor")),
        ],
    )
    floors = base.mark_tick(color=MUTED, thickness=3, size=28).encode(y="floor:Q")
    return alt.layer(intervals, floors, points).properties(height=230)
