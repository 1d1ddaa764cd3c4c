"""What was spent, and what would be."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_builders import make_question, make_reply

from autointerp.core.types import About, FeatureId, YesNo
from autointerp.llm.ledger import Spent, sum_calls
from autointerp.llm.planning import estimate
from autointerp.llm.prices import Price
from autointerp.llm.providers import make_remote
from autointerp.llm.registry import open_llm
from autointerp.llm.scripted import constant_llm
from autointerp.store.convert import call_row
from autointerp.store.parts import read_part, write_part

ABOUT = About(FeatureId("f/2", 3), "d:0", scorer="detection")
calls = st.builds(
    lambda cached, usd, stage, n: {
        **call_row(make_reply(make_question(), usd=usd, cached=cached), stage=stage),
        "tokens_in": n,
    },
    st.booleans(),
    st.none() | st.floats(0, 1),
    st.sampled_from(["explain", "score"]),
    st.integers(0, 100),
)


@given(st.lists(calls, max_size=20))
def test_parts_sum_to_the_whole(rows: list[dict[str, Any]]) -> None:
    """Calls, tokens and money by stage are those of the run; answers from the store cost nothing."""
    whole = sum_calls(rows).get((), Spent())
    parts = list(sum_calls(rows, by=("stage", "model")).values())
    for name in ("n_calls", "n_cached", "n_unpriced", "tokens_in", "tries"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    assert sum(part.usd for part in parts) == pytest.approx(whole.usd)
    assert whole.usd == pytest.approx(sum(row["usd"] or 0 for row in rows if not row["cached"]))
    assert whole.n_unpriced == sum(row["usd"] is None and not row["cached"] for row in rows)


def test_a_row_survives_the_table(tmp_path: Path) -> None:
    """Also the empty price: unknown stays unknown, and sums say how much they lack."""
    reply = make_reply(make_question(), usd=None, fingerprint="fp", kind="logprob")
    priced = make_reply(make_question(), usd=0.25, failed="judge_refused")
    rows = [call_row(reply, stage="score", about=ABOUT), call_row(priced)]
    write_part(tmp_path, "calls", "c", rows)
    frame = read_part(tmp_path, "calls", "c")
    stored: list[Any] = frame.to_dict("records")
    assert (stored[0]["scorer"], stored[0]["feature"], stored[0]["fingerprint"]) == ("detection", 3, "fp")
    (spent,) = sum_calls(stored).values()
    assert (spent.usd, spent.n_unpriced, spent.n_failed) == (0.25, 1, 1)
    assert "0.2500 USD + 1 calls of unknown price" in spent.text()
    assert set(sum_calls(stored, by=("dictionary", "feature"))) >= {("f/2", 3)}


def test_a_sum_without_any_price_is_unknown() -> None:
    """Not 0 USD."""
    (spent,) = sum_calls([call_row(make_reply(make_question(), usd=None))]).values()
    assert "price unknown" in spent.text()
    assert spent.cost.tokens == 2


def test_a_plan_counts_each_question_once(tmp_path: Path) -> None:
    """Stored ones and repetitions are subtracted; unknown prices are unknown."""
    llm = open_llm("openai:m", store_path=tmp_path / "r.sqlite", options={"base_url": "http://127.0.0.1:1/v1"})
    questions = [make_question(f"prompt {n % 6}", wants=YesNo()) for n in range(10)]

    async def store() -> None:
        await llm.store.put(llm.key(questions[0]), make_reply(questions[0]))  # type: ignore[attr-defined]

    asyncio.run(store())
    plan = estimate(llm, iter(questions))
    assert (plan.n_questions, plan.n_stored, plan.n_calls, plan.usd) == (10, 5, 5, None)
    assert plan.tokens_in[0] < plan.tokens_in[1] < plan.tokens_in[2]
    assert "price unknown" in plan.text()
    llm.close()  # type: ignore[attr-defined]


def test_a_plan_is_priced_low_expected_and_high() -> None:
    """In this order; nobody bills for a judge without a server."""
    remote = make_remote("openai", "gpt-4.1", {})
    assert isinstance(remote.terms.price, Price)
    plan = estimate(remote, [make_question("word " * 1000)])
    assert plan.usd is not None
    assert 0 < plan.usd[0] < plan.usd[1] < plan.usd[2]
    assert plan.usd[1] == pytest.approx((plan.tokens_in[1] * 2 + plan.tokens_out[1] * 8) / 1e6, rel=0.01)
    assert estimate(constant_llm(0.5), [make_question()]).usd == (0.0, 0.0, 0.0)


@given(st.text(min_size=1, max_size=300))
def test_a_plan_never_counts_less_than_a_call_can_need(prompt: str) -> None:
    """The worst of a call, which the ceiling sets aside, is above what the plan calls high."""
    remote = make_remote("openai", "gpt-4.1", {})
    question = make_question(prompt)
    assert remote.worst(question).tokens >= estimate(remote, [question]).tokens_in[2] / 1.1
