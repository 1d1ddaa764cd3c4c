"""Pictures of what judges said: agreement of scorers, calibration, and the share of yes by stratum of windows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from autointerp.analysis.agreement import Agreement
from autointerp.analysis.answered import answers_by_stratum, base_rate, calibration_bins, window_answers
from autointerp.analysis.figures import count, number, ranged
from autointerp.analysis.human import WINDOW_SCORERS
from autointerp.analysis.names import has_names
from autointerp.analysis.summary import Line
from autointerp.analysis.values import HEADLINES
from autointerp.report.blocks import Block, Figures, Heading, Prose
from autointerp.report.charts import Picture, judge_calibration, score_name, scorer_agreement, yes_by_stratum
from autointerp.report.charts.filters import all_of, scored
from autointerp.report.charts.layers import known
from autointerp.report.grids import Grid
from autointerp.report.linking import NO_LINKS, Linking, Measure
from autointerp.report.tables import RunTables

MOST_PAIRS = 24
"""Pairs of scorers in a picture; the table has all."""

ANSWERS = (
    "Share of yes to windows of each kind, strong ones first: with the feature's own label it should fall from near 1 "
    "to near 0 on the silent windows, with another feature's it should be the same throughout. On the right, which "
    "share of the windows with a given P(yes) truly fires. Windows count as they were sampled."
)


def agreement_figure(
    agreed: Sequence[Agreement], *, lines: Sequence[Line] = (), linking: Linking = NO_LINKS
) -> Iterator[Block]:
    """Yield the picture of scorers' agreement, where some pair has a correlation; *lines* name what is linked."""
    pairs = pd.DataFrame(
        [{name: getattr(a, name) for name in Agreement.__slots__} for a in agreed], columns=list(Agreement.__slots__)
    )
    shown = pairs[pairs["rho"].notna()].head(MOST_PAIRS)
    if len(shown):
        title = "Agreement of scorers" + (f", the first {MOST_PAIRS} pairs" if len(shown) < len(pairs) else "")
        drawn = scorer_agreement(_named(shown, lines, linking), title=title, link=linking.link)
        yield Figures(((replace(drawn, table=shown), agreement_numbers(shown)),))


def _named(pairs: pd.DataFrame, lines: Sequence[Line], linking: Linking) -> pd.DataFrame:
    """Return the pairs with what filters know them by; as they are where there are no links."""
    if linking.link is None:
        return pairs
    measures = {line.measure: (line.scorer, line.variant, line.metric) for line in lines}
    found = [[measures[str(r[side])] for side in ("first", "second")] for r in pairs.to_dict("records")]
    whose = zip(found, map(str, pairs["explainer"]), map(str, pairs["judge"]), strict=True)
    return pairs.assign(
        first_name=[score_name(*first) for first, _ in found],
        second_name=[score_name(*second) for _, second in found],
        within=pd.Series([linking.rows.within(*one) for one in whose], pairs.index, dtype=object),
    )


def agreement_numbers(pairs: pd.DataFrame) -> Grid:
    """Return the numbers of the picture as text."""
    rows = tuple(
        (*(str(r[n]) for n in ("dictionary", "explainer", "first", "second")), _ranged(r, "rho"), count(r["n"]))
        for r in pairs.to_dict("records")
    )
    return Grid(("dictionary", "labels by", "first", "second", "Spearman [95%]", "n"), rows, 4)


def answer_blocks(run: RunTables, *, seed: int, linking: Linking = NO_LINKS) -> Iterator[Block]:
    """Yield pictures of each judge's answers about windows; nothing where nobody was asked about windows."""
    predictions = run["predictions"]
    asked = predictions[predictions["scorer"].isin(WINDOW_SCORERS) & predictions["guess"].notna()]
    judged = sorted({(str(s), str(j)) for s, j in zip(asked["scorer"], asked["judge"], strict=True)})
    if not judged:
        return
    yield Heading("What the judge says of windows")
    yield Prose(ANSWERS)
    for scorer, judge in judged:
        yield Figures(tuple(_pictures(run, scorer, judge, seed, linking)))


def _pictures(run: RunTables, scorer: str, judge: str, seed: int, linking: Linking) -> Iterator[tuple[Picture, Grid]]:
    answers = window_answers(run["predictions"], scorer=scorer, judge=judge)
    within, n_labels = _listed(run, (scorer, "", HEADLINES[scorer]), judge, linking)
    leads_to = f"the link leads to all {count(n_labels)} labels with a score by {scorer}"
    link = linking.link if n_labels else None
    strata = answers_by_stratum(answers, run["evidence"], seed=seed)
    words = f"{scorer}, judge {judge}"
    drawn = yes_by_stratum(strata, title=f"Yes by stratum: {words}", within=within, leads_to=leads_to, link=link)
    yield drawn, strata_grid(strata)
    bins, rate = calibration_bins(answers), base_rate(answers)
    title = f"Calibration: {words}"
    drawn = judge_calibration(bins, title=title, base_rate=rate, within=within, leads_to=leads_to, link=link)
    yield drawn, calibration_grid(bins)


def _listed(run: RunTables, measure: Measure, judge: str, linking: Linking) -> tuple[str, int]:
    """Return the filter of all labels that the judge scored, and how many there are; 0 where no filter names them."""
    judged = linking.rows.judged([measure], judge)
    if judged is None:
        return "", 0
    scores = run["scores"]
    names = dict(zip(("scorer", "variant", "metric", "judge", "control"), (*measure, judge, "none"), strict=True))
    mine = has_names(scores, names) & scores["value"].notna().to_numpy()
    return all_of(judged, scored(score_name(*measure))), int(mine.sum())


def strata_grid(strata: pd.DataFrame) -> Grid:
    """Return ``answers_by_stratum`` as text."""
    rows = tuple(
        (
            *(str(r["stratum"]), _ranged(r, "value"), number(known(r["control"]))),
            *(count(r["n_items"]), count(r["n_features"])),
        )
        for r in strata.to_dict("records")
    )
    head = ("stratum", "share of yes [95%]", "another\nfeature's label", "windows", "features")
    return Grid(head, rows, 1, "No window was answered.")


def calibration_grid(bins: pd.DataFrame) -> Grid:
    """Return ``calibration_bins`` as text."""
    whose = {"none": "its own", "shuffled": "another feature's"}
    rows = tuple(
        (
            *(whose.get(str(r["control"]), str(r["control"])), f"{r['low']:.1f} to {r['high']:.1f}"),
            *(number(known(r["said"])), _ranged(r, "fires", "fires_"), count(r["n"])),
        )
        for r in bins.to_dict("records")
    )
    return Grid(("label", "P(yes)", "mean P(yes)", "share that fires [95%]", "windows"), rows, 2, "No answer.")


def _ranged(row: dict[object, object], name: str, ends: str = "") -> str:
    return ranged(known(row[name]), known(row[f"{ends}low"]), known(row[f"{ends}high"]))
