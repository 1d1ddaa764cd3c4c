"""Scorer agreement: the rank correlation of every two scorers over the features both have scored."""

import pandas as pd

from autointerp.analysis.figures import ranged
from autointerp.report.charts.filters import all_of, scored
from autointerp.report.charts.forest import forest
from autointerp.report.charts.layers import known
from autointerp.report.charts.picture import Link, Picture, nothing_to_draw, picture, sentences, with_links
from autointerp.report.terms import term

COLUMNS = ["dictionary", "explainer", "judge", "first", "second", "rho", "low", "high", "n", "note"]


def scorer_agreement(pairs: pd.DataFrame, *, title: str, link: Link | None = None) -> Picture:
    """Return Spearman's rho of each pair with its interval, and the line at 0 where nothing is shared.

    Args:
        pairs: As ``analysis.agreement.agreement`` returns it; columns ``COLUMNS``, and ``first_name`` and
            ``second_name``, what filters know the two by, where marks are to be links; ``within``, the terms of
            explainer and judge where they are others than their names, None where no filter names these features.
        title: What is drawn, in words.
        link: Makes each mark a link to the features that both have scored.
    """
    if pairs["rho"].notna().sum() == 0:
        return nothing_to_draw(title, f"none of {len(pairs)} pairs of scorers has a correlation", pairs)
    rows = pairs.assign(name=_names(pairs), value=pairs["rho"]).reset_index(drop=True)
    if {"first_name", "second_name"} <= set(pairs.columns):
        names = [f"{name}, n = {n}" for name, n in zip(rows["name"], rows["n"], strict=True)]
        rows = with_links(rows, link, [_filter(row) for row in rows.to_dict("records")], names)
    chart = forest(rows, axis="Spearman's rho", lines=[(0.0, "chance: 0")], says="rank correlation over features")
    return picture(chart, title=title, description=sentences([_words(r) for r in rows.to_dict("records")]), table=pairs)


def _names(pairs: pd.DataFrame) -> list[str]:
    """Return what tells the pairs apart: the two measures, and where there are several, dictionary and the rest."""
    apart = [name for name in ("dictionary", "explainer", "judge") if pairs[name].nunique() > 1]
    rows = pairs.to_dict("records")
    return [" · ".join([*(str(r[name]) for name in apart), f"{r['first']} / {r['second']}"]) for r in rows]


def _filter(row: dict[object, object]) -> str | None:
    within = row.get("within", all_of(*(term(name, str(row[name])) for name in ("explainer", "judge"))))
    if not isinstance(within, str):
        return None
    both = scored(str(row["first_name"])), scored(str(row["second_name"]))
    return all_of(term("dictionary", str(row["dictionary"])), within, *both)


def _words(row: dict[object, object]) -> str:
    rho = known(row["rho"])
    found = f"none, {row['note']}" if rho is None else ranged(rho, known(row["low"]), known(row["high"]))
    return f"{row['name']}: {found}, n = {row['n']}, chance 0"
