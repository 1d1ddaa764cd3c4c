"""What a run cost: sums with nothing left out, and unknown is never 0."""

from dataclasses import replace
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from autointerp.llm.sent import Sent
from autointerp.report.costs import cost_grid, lost_sentence
from autointerp.report.page import build_page
from autointerp.report.render import html_page, markdown_page
from autointerp.report.tables import RunTables, empty_table
from autointerp.store.schemas import TABLES


def call(**more: Any) -> dict[str, Any]:
    fields = {"question": "q", "model": "m", "tokens_in": 70, "tokens_out": 5, "tokens_cached": 40, "usd": 0.25}
    fields |= {"seconds": 0.1, "tries": 1, "cached": False, "stage": "score", "scorer": "detection"}
    return dict.fromkeys(TABLES["calls"].names) | fields | more


def run_of(rows: list[dict[str, Any]]) -> RunTables:
    frame = pd.DataFrame(rows, columns=TABLES["calls"].names) if rows else empty_table("calls")
    return RunTables({"calls": frame}, {"explainer": "openai:w", "judge": "openai:m"})


calls = st.builds(
    call,
    stage=st.sampled_from(["explain", "score", None]),
    scorer=st.sampled_from(["detection", None]),
    usd=st.none() | st.just(0.25),
    cached=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(calls, min_size=1, max_size=8))
def test_the_parts_are_the_whole(rows: list[dict[str, Any]]) -> None:
    """Every call is in one row and in the last one, which sums all; stored answers add nothing to tokens."""
    *parts, whole = cost_grid(run_of(rows)).rows
    for column in (2, 3, 5):
        assert sum(int(row[column]) for row in parts) == int(whole[column])
    assert int(whole[2]) == len(rows)
    assert int(whole[5]) == 70 * sum(not row["cached"] for row in rows)


def test_an_unknown_price_is_said_to_be() -> None:
    """Wholly or in part; a run that asked nobody says so."""
    unknown, known = call(usd=None), call()
    assert cost_grid(run_of([unknown])).rows[-1][-1] == "unknown"
    assert cost_grid(run_of([unknown, known])).rows[-1][-1] == "0.2500, and 1 call unknown"
    assert cost_grid(run_of([])).rows == ()


def test_calls_that_may_have_been_paid_for_are_counted() -> None:
    """Those to this run's models, at worst; on both pages beside the table."""
    sent = (Sent("q", "openai:m", 700, None, "killed"), Sent("q", "openai:other", 9, None, "killed"))
    run = replace(run_of([call()]), sent=sent)
    assert "1 calls" in lost_sentence(sent, ["openai:m"])
    assert "700 tokens, 0.0000 USD, and 1 of unknown price" in lost_sentence(sent, ["openai:m"])
    page = build_page(run)
    for text in (html_page(page), markdown_page(page)):
        assert "What it cost" in text
        assert "may have been paid for" in text
        assert "0.2500" in text.replace("\\", "")
