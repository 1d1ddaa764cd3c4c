"""Sensitivity by activation bin and negative kind: how often a judge says yes to windows of each stratum."""

import pandas as pd

from autointerp.analysis.figures import count, number, ranged
from autointerp.report.charts.forest import forest
from autointerp.report.charts.layers import known
from autointerp.report.charts.picture import Link, Picture, nothing_to_draw, picture, sentences, with_links

COLUMNS = ["stratum", "value", "low", "high", "control", "n_items", "n_features"]


def yes_by_stratum(
    strata: pd.DataFrame,
    *,
    title: str,
    chance: float = 0.5,
    within: str = "",
    leads_to: str = "",
    link: Link | None = None,
) -> Picture:
    """Return the share of yes for each stratum with its interval, beside that with another feature's label.

    Above the firing strata a judge should be near 1 (sensitivity), on the silent ones near 0 (false fire).

    Args:
        strata: As ``analysis.strata.answers_by_stratum`` returns it, columns ``COLUMNS``, strong to silent.
        title: What is drawn, in words.
        chance: The share of a judge that guesses.
        within: The filter of the features whose windows these are.
        leads_to: What that filter finds, in words: more than the windows of one mark.
        link: Makes the marks links to these features; a filter cannot name single windows.
    """
    if strata.empty:
        return nothing_to_draw(title, "no window was answered", strata)
    words = [_words(row) for row in strata.to_dict("records")]
    names = [" · ".join(filter(None, [said, leads_to])) for said in words]
    rows = with_links(strata.assign(name=strata["stratum"]), link, [within] * len(strata), names)
    lines = [(chance, f"guessing: {number(chance)}")]
    control = "another's label" if strata["control"].notna().any() else ""
    chart = forest(rows, axis="share of yes", lines=lines, says="share of yes", control=control)
    return picture(chart, title=title, description=sentences(words), table=strata)


def _words(row: dict[object, object]) -> str:
    share = ranged(*(known(row[name]) for name in ("value", "low", "high")))
    beside = f"another feature's label {number(known(row['control']))}"
    n = f"{count(row['n_items'])} windows of {count(row['n_features'])} features"  # type: ignore[arg-type]
    return f"{row['stratum']}: yes to {share}, {n}, {beside}, guessing 0.50"
