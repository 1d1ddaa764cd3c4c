"""Judge calibration: of the items a judge gave a P(yes), which share truly fires; a calibrated judge is on the line."""

import altair as alt
import pandas as pd

from autointerp.analysis.figures import count, number, ranged
from autointerp.report.charts.layers import known
from autointerp.report.charts.looks import BLUE, GREY, ORANGE, legend, styled, x_number, y_number
from autointerp.report.charts.picture import Link, Picture, href_of, nothing_to_draw, picture, sentences, with_links

COLUMNS = ["control", "low", "high", "said", "fires", "fires_low", "fires_high", "n"]
LOOKS = {"none": ("●", "circle", BLUE, "the feature's own label"), "shuffled": ("○", "square", ORANGE, "shuffled")}


def judge_calibration(
    bins: pd.DataFrame,
    *,
    title: str,
    base_rate: float | None,
    within: str = "",
    leads_to: str = "",
    link: Link | None = None,
) -> Picture:
    """Return the share that fires against what the judge said, own labels and another feature's.

    Lines: the diagonal, on which a calibrated judge stands, and the share that fires of all items, on which one
    stands that knows nothing.

    Args:
        bins: As ``analysis.calibration_curve.calibration_bins`` returns them, columns ``COLUMNS``.
        title: What is drawn, in words.
        base_rate: Share of all items of own labels that fires.
        within: The filter of the features whose items these are.
        leads_to: What that filter finds, in words: more than the items of one mark.
        link: Makes the marks of own labels links to these features; a filter cannot name single items.
    """
    if bins.empty or base_rate is None:
        return nothing_to_draw(title, "no answer with a probability", bins)
    x, y = (found(field, words, domain=[0, 1]) for found, field, words in _AXES)
    diagonal = alt.Chart(pd.DataFrame({"said": [0.0, 1.0], "fires": [0.0, 1.0]})).mark_line(color=GREY)
    nothing = alt.Chart(pd.DataFrame({"fires": [base_rate]})).mark_rule(color=GREY, strokeDash=[4, 3])
    layers = [diagonal.encode(x=x, y=y), nothing.encode(y=y)]
    present = [name for name in LOOKS if (bins["control"] == name).any()]
    for name in present:
        rows = bins[bins["control"] == name].reset_index(drop=True)
        own = link if name == "none" else None
        names = [" · ".join(filter(None, [_words(r), leads_to])) for r in rows.to_dict("records")]
        rows = with_links(rows, own, [within] * len(rows), names)
        _, shape, colour, _ = LOOKS[name]
        chart = alt.Chart(rows)
        layers.append(chart.mark_rule(color=colour).encode(x=x, y=y_number("fires_low"), y2=alt.Y2("fires_high:Q")))
        dots = chart.mark_point(shape=shape, size=70, filled=name == "none", color=colour, opacity=1)
        layers.append(dots.encode(x=x, y=y, **href_of(rows)))
    entries = [(f"{LOOKS[name][0]} {LOOKS[name][3]}", LOOKS[name][2]) for name in present]
    entries += [("─ calibrated", GREY), (f"╌ chance: {number(base_rate)} fire", GREY)]
    words = [f"Of all items {number(base_rate)} fire", *(_words(row) for row in bins.to_dict("records"))]
    return picture(styled([*layers, *legend(entries)]), title=title, description=sentences(words), table=bins)


_AXES = ((x_number, "said", "the judge's P(yes)"), (y_number, "fires", "share that fires"))


def _words(row: dict[object, object]) -> str:
    whose = LOOKS.get(str(row["control"]), ("", "", "", str(row["control"])))[3]
    share = ranged(known(row["fires"]), known(row["fires_low"]), known(row["fires_high"]))
    return f"{whose}, P(yes) {row['low']:g} to {row['high']:g}: {share} fire, n = {count(row['n'])}"  # type: ignore[arg-type]
