"""What people said in a report: there when somebody reviewed, beside what fires and the judge, and safe."""

from collections.abc import Sequence

import pandas as pd
from report_builders import HOSTILE, Builder

from autointerp.report.page import build_page
from autointerp.report.people import agreement_grids
from autointerp.report.render import html_page, markdown_page
from autointerp.report.tables import RunTables


def reviewed(run: RunTables, answers: Sequence[str], rater: str = "ann") -> RunTables:
    """Return the run with one person's answers on the windows of its first labels, in turn."""
    asked = run["predictions"].query("scorer == 'detection' and control == 'none'").head(40)
    rows = [
        {
            "rater": rater, "time": f"2026-11-21T10:00:{i:02}Z", "dictionary": row.dictionary, "feature": row.feature,
            "explanation": row.explanation, "control": "none", "item": row.item, "answer": answers[i % len(answers)],
            "seconds": 1.0,
        }
        for i, row in enumerate(asked.itertuples())
    ]  # fmt: skip
    made = pd.DataFrame(rows)
    missing = set(run["ratings"].columns) - set(made.columns)
    return RunTables(dict(run.tables) | {"ratings": made.assign(**dict.fromkeys(missing, ""))}, run.manifest)


def test_nobody_reviewed_nothing_is_said(build: Builder) -> None:
    """Without ratings there is no section, no link to one, and no claim."""
    page = build_page(build())
    assert "What people say" not in html_page(page)
    assert "#people" not in html_page(page)
    assert "What people say" not in markdown_page(page)


def test_a_rater_who_always_says_yes_has_no_kappa(build: Builder) -> None:
    """Raw agreement is the share of firing windows; beyond chance there is nothing, and no number claims it."""
    raters, people = agreement_grids(reviewed(build(widths=(512,)), ["yes"]))
    assert [row[0] for row in raters.rows] == ["ann"]
    truth = next(row for row in people.rows if row[1] == "what fires")
    assert truth[4].startswith(("0.00", "none"))
    assert truth[5] == "1.00" or float(truth[5]) > 0.5


def test_names_of_raters_are_hostile_too(build: Builder) -> None:
    """A rater's name is shown, and is neither a tag nor a template in any page."""
    page = build_page(reviewed(build(widths=(512,)), ["yes", "no", "unsure"], rater=HOSTILE))
    assert "What people say" in html_page(page)
    assert "<script>alert" not in html_page(page)
    assert "What people say" in markdown_page(page)
