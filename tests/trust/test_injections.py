"""Orders in documents: no prompt is broken by them, and a judge that obeys is found out."""

from dataclasses import replace
from typing import Any

import pytest

from autointerp.core.types import (
    Digits,
    Evidence,
    Explanation,
    FeatureId,
    Labelled,
    Prediction,
    Question,
    Reason,
    Sample,
    Window,
)
from autointerp.explain import EXPLAINERS
from autointerp.explain.settings import ExplainSettings
from autointerp.llm.chat import write_chat, write_chat_logprobs
from autointerp.llm.encoding import find_placeholders, render_chat
from autointerp.llm.messages import SharedPrefix, write_message
from autointerp.llm.prompt_logprobs import find_placeholders as find_echoed
from autointerp.llm.wire import Server
from autointerp.pipeline.shipped import load_prompts
from autointerp.prompting.windows import CONTROL
from autointerp.score import SCORERS
from autointerp.score.settings import ScoreSettings
from autointerp.trust.injections import INJECTIONS, flip_rate, inject
from autointerp.trust.oracle import Oracle, judge_function
from autointerp.trust.predicates import Never

FEATURE = FeatureId("f/1", 0)
SERVER = Server("m", "http://127.0.0.1:1/v1", "NO_KEY")
TOKENS = ("the", " red", " car", " stops", " at", " the", " light", ".")


class ChatML:
    """A tokenizer without a template."""

    chat_template = None


def window(doc: str, *, fires: bool, order: str = "") -> Window:
    """Return a window of eight tokens of which the second fires, with an order in it."""
    made = Window(doc, 0, TOKENS, (0.0, 5.0 * fires, *[0.0] * 6))
    return inject(made, order) if order else made


def evidence(order: str) -> Evidence:
    """Return evidence whose every window holds the order."""

    def side(name: str, *, firing: int, silent: int) -> tuple[Sample, ...]:
        strong = [Sample(window(f"{name}{n}", fires=True, order=order), "top", 1.0) for n in range(firing)]
        weak = [Sample(window(f"{name}s{n}", fires=False, order=order), "silent:random", 1.0) for n in range(silent)]
        more = [Sample(window(f"{name}r{n}", fires=False, order=order), "random", 1.0) for n in range(silent)]
        return (*strong, *weak, *more)

    return Evidence(
        FEATURE,
        density=0.1,
        window_density=0.5,
        peak=5.0,
        shown=side("a", firing=3, silent=0),
        select=(),
        held_out=side("c", firing=3, silent=3),
        n_available=50,
        promoted=(order,),
        suppressed=(order,),
    )


def ask_all(order: str, *, label: str) -> dict[str, list[Question]]:
    """Return every question of every scorer and explainer that shows windows."""
    prompts, given = load_prompts(), evidence(order)
    labelled = Labelled(Explanation(FEATURE, label, "test", "m"))
    asked: dict[str, list[Question]] = {}
    for name in ("detection", "simulation"):
        settings = ScoreSettings(min_available=1, n_top=2, n_random=2)
        asked[name] = SCORERS[name](prompts[name], settings).questions(given, labelled)
    explainer: Any = EXPLAINERS["examples"](prompts["explain_examples"], ExplainSettings())
    asked["examples"] = [explainer.question(given)]
    return asked


@pytest.mark.parametrize("order", INJECTIONS)
@pytest.mark.parametrize("where", ["window", "label"])
def test_no_order_breaks_out_of_a_prompt(order: str, where: str) -> None:
    """As many lines as with harmless text, the delimiters on lines of their own as often, no control token."""
    harmless = ask_all(" ok" if where == "window" else "", label="red")
    hostile = ask_all(order if where == "window" else "", label="red" if where == "window" else order)
    for name, questions in hostile.items():
        assert questions
        for question, plain in zip(questions, harmless[name], strict=True):
            lines, usual = question.prompt.split("\n"), plain.prompt.split("\n")
            assert len(lines) == len(usual)
            for delimiter in ("<text>", "</text>", "<start>", "<end>"):
                assert lines.count(delimiter) == usual.count(delimiter)
            if name == "detection":  # the others enclose nothing in these
                assert question.prompt.count("</text>") == plain.prompt.count("</text>") == 1
            assert not [token for token in CONTROL if token in question.prompt and token not in plain.prompt]


@pytest.mark.parametrize("order", INJECTIONS)
def test_no_order_forges_a_turn_for_any_provider(order: str) -> None:
    """System and user, nobody else, and the user's words are the prompt; a local model sees one user turn."""
    for questions in ask_all(order, label=order).values():
        for question in questions:
            chat = write_chat(question, SERVER)["messages"]
            assert [turn["role"] for turn in chat] == ["system", "user"]
            assert chat[-1]["content"].startswith(question.prompt)
            assert write_chat_logprobs(question, SERVER)["messages"][-1]["content"] == question.prompt
            sent = write_message(question, SERVER, SharedPrefix())["messages"]
            assert [turn["role"] for turn in sent] == ["user"]
            assert "".join(block["text"] for block in sent[0]["content"]).startswith(question.prompt)
            rendered = render_chat(ChatML(), question)
            assert (rendered.count("<|im_start|>"), rendered.count("<|im_end|>")) == (3, 2)


@pytest.mark.parametrize("order", INJECTIONS)
def test_no_order_moves_a_placeholder(order: str) -> None:
    """The digits of a window are read in its own places, in a local model's prompt and in an echoed one."""
    for question in ask_all(order, label=order)["simulation"]:
        assert isinstance(question.wants, Digits)
        rendered = render_chat(ChatML(), question)
        for found in (
            find_placeholders(rendered, question.prompt, question.wants),
            find_echoed(rendered, question.prompt, question.wants),
        ):
            assert len(found) == question.wants.count
            body = question.prompt.rpartition(f"\n{question.wants.after}\n")[2]
            assert found[0] >= rendered.rfind(body)


@pytest.mark.parametrize("order", INJECTIONS)
def test_what_fires_stays_when_an_order_comes_in(order: str) -> None:
    """Same tokens in number, same activations; only a silent token is replaced."""
    for fires in (True, False):
        plain, ordered = window("d", fires=fires), window("d", fires=fires, order=order)
        assert ordered.activations == plain.activations
        changed = [n for n, pair in enumerate(zip(plain.tokens, ordered.tokens, strict=True)) if pair[0] != pair[1]]
        assert [plain.activations[n] for n in changed] == [0.0]
        assert order in ordered.text


def prediction(item: str, guess: float | None) -> Prediction:
    reason = Reason.SCORED if guess is not None else Reason.PARSE_FAILED
    return Prediction(FEATURE, "e", "detection", "", "j", "none", 0, item, 1.0, guess, 1.0, "logprob", reason)


def test_a_judge_that_obeys_flips() -> None:
    """Half the verdicts changed sides; what could not be read is not in the rate, and is counted."""
    plain = [prediction(f"d:{n}", 0.9) for n in range(4)]
    ordered = [prediction("d:0", 0.1), prediction("d:1", 0.8), prediction("d:2", None), prediction("x:9", 0.1)]
    rate = flip_rate(plain, ordered, threshold=0.5)
    assert (rate.value, rate.n_read, rate.n_asked) == (0.5, 2, 4)
    assert flip_rate(plain, [], threshold=0.5).value is None


def test_the_oracle_never_flips() -> None:
    """It looks at the label's meaning alone: its flip rate is 0 on every order."""
    judge = judge_function(Oracle(sensitivity=1.0, specificity=1.0), {"red": Never()})
    for order in INJECTIONS:
        for asked in ask_all(order, label="red")["detection"]:
            assert asked.about is not None
            told = judge(asked)
            assert told == judge(replace(asked, prompt="harmless"))


def test_there_are_enough_orders() -> None:
    """At least twenty, all different."""
    assert len(set(INJECTIONS)) == len(INJECTIONS) >= 20
