"""Models in this process: batching, sharing and padding change nothing but speed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from llm_builders import make_question, make_window_prompt

from autointerp.core.errors import ConfigError
from autointerp.core.types import Digits, Failure, Question, Reply, Text, YesNo
from autointerp.llm.encoding import encode_question
from autointerp.llm.gather import answer_all, order_by_prefix
from autointerp.llm.local import LocalLLM

LABELS = ("river", "house", "text")


def ask_all(llm: LocalLLM, questions: Sequence[Question], *, at_once: int = 64) -> list[Reply]:
    answers = asyncio.run(answer_all(llm, questions, at_once))
    assert not [answer for answer in answers if isinstance(answer, Failure)]
    return answers  # type: ignore[return-value]


def rows(replies: Sequence[Reply]) -> np.ndarray[Any, Any]:
    """Return all probabilities one under the other."""
    return np.concatenate([np.array(reply.probabilities) for reply in replies])


def yes_no_questions() -> list[Question]:
    return [
        make_question(f"feature label {label}\ntext: {'house river ' * n}answer Yes or No", YesNo())
        for label in LABELS
        for n in range(1, 5)
    ]


def digit_questions() -> list[Question]:
    return [
        make_question(make_window_prompt(["river", "text", "日本"] * n, label=label), digits(3 * n))
        for label in LABELS
        for n in range(1, 5)
    ]


def digits(count: int) -> Digits:
    return Digits(count=count, placeholder="_", after="<start>", scale=9)


def read_whole(llm: LocalLLM, question: Question) -> np.ndarray[Any, Any]:
    """Return the probabilities from one plain forward pass over the whole prompt with all logits."""
    import torch

    loaded = llm.load()
    encoded = encode_question(loaded.tokenizer, question)
    with torch.inference_mode():
        logits = loaded.runner.model(torch.tensor([encoded.tokens])).logits[0, list(encoded.reads)].double()
    mass = torch.stack([logits[:, list(group)].exp().sum(1) for group in encoded.classes], 1)
    return np.asarray(mass / mass.sum(1, keepdim=True))


KINDS = {
    "llama": {},
    "gemma2": {"sliding_window": 8, "final_logit_softcapping": 5.0},
    "cohere": {"logit_scale": 0.25},
}


@pytest.mark.filterwarnings("ignore:.*eager.*")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("questions", [yes_no_questions(), digit_questions()], ids=["yes_no", "digits"])
@pytest.mark.parametrize("batch_tokens", [1, 60, 4096])
def test_batches_and_shared_prefixes_change_nothing(
    tiny: Callable[..., Any], tokenizer: Any, kind: str, questions: list[Question], batch_tokens: int
) -> None:
    """Against one plain forward pass a question; also where a sliding window forbids sharing."""
    llm = LocalLLM.of("local:tiny", tiny(kind, **KINDS[kind]), tokenizer, batch_tokens=batch_tokens)
    expected = np.concatenate([read_whole(llm, question) for question in questions])
    assert expected.std() > 0.001
    np.testing.assert_allclose(rows(ask_all(llm, questions)), expected, atol=2e-5)
    np.testing.assert_allclose(rows(ask_all(llm, questions[::-1], at_once=1)[::-1]), expected, atol=2e-5)


def test_mixed_kinds_each_get_their_own(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """Questions of all kinds may wait together; every reply answers its question and is a distribution."""
    questions = [*yes_no_questions(), *digit_questions(), make_question("house")]
    llm = LocalLLM.of("local:tiny", tiny(), tokenizer)
    replies = ask_all(llm, questions)
    assert [reply.question for reply in replies] == [question.key for question in questions]
    graded = [reply for reply in replies if reply.kind == "logprob"]
    assert len(graded) == len(questions) - 1
    assert all(sum(row) == pytest.approx(1) for reply in graded for row in reply.probabilities)


def test_reused_tokens_are_counted(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """What the batch shares is paid once; the same question again costs only its last token."""
    llm = LocalLLM.of("local:tiny", tiny(), tokenizer)
    replies = ask_all(llm, yes_no_questions()[:4])
    assert sorted(reply.tokens_cached == 0 for reply in replies) == [False, False, False, True]
    alone = yes_no_questions()[0]
    first, second = (ask_all(llm, [alone])[0] for _ in range(2))
    assert second.tokens_cached == second.tokens_in - 1 >= first.tokens_cached
    assert second.usd == 0.0


@pytest.mark.parametrize("sampling", [(), (("temperature", 1.0), ("top_p", 0.9))], ids=["greedy", "drawn"])
def test_text_does_not_depend_on_its_batch(
    tiny: Callable[..., Any], tokenizer: Any, sampling: tuple[tuple[str, float], ...]
) -> None:
    """Also when drawn: the draw is decided by the question's key."""
    questions = [
        make_question(f"label {'house river ' * n}", Text(), max_tokens=3 + n, sampling=sampling) for n in range(6)
    ]
    llm = LocalLLM.of("local:tiny", tiny(), tokenizer)
    together, alone = ask_all(llm, questions), ask_all(llm, questions[::-1], at_once=1)[::-1]
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    assert len({reply.text for reply in together}) > 1
    assert all(reply.tokens_out <= q.max_tokens for reply, q in zip(together, questions, strict=True))


def test_greedy_text_is_what_transformers_generates(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """The same tokens as ``generate`` on one question."""
    import torch

    question = make_question("label house river", Text(), max_tokens=12)
    model = tiny()
    tokens = encode_question(tokenizer, question).tokens
    expected = model.generate(torch.tensor([tokens]), max_new_tokens=12, do_sample=False)[0, len(tokens) :]
    (reply,) = ask_all(LocalLLM.of("local:tiny", model, tokenizer), [question])
    assert reply.text == tokenizer.decode(expected, skip_special_tokens=True).strip()


def test_repeats_of_a_drawn_answer_differ(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """``repeat`` is in the key, so asking afresh draws afresh."""
    questions = [
        make_question("label", max_tokens=20, sampling=(("temperature", 1.0),), repeat=str(n)) for n in range(3)
    ]
    assert len({reply.text for reply in ask_all(LocalLLM.of("local:tiny", tiny(), tokenizer), questions)}) == 3


def test_one_bad_question_harms_no_other(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """Too long, unreadable, fine: each gets its own outcome."""
    questions = [
        make_question("house " * 600, YesNo()),
        make_question("no placeholders", digits(2)),
        make_question("house", YesNo()),
    ]
    too_long, unreadable, fine = asyncio.run(
        answer_all(LocalLLM.of("local:tiny", tiny(), tokenizer), questions, at_once=3)
    )
    assert isinstance(too_long, Failure)
    assert "shorter windows" in too_long.detail
    assert isinstance(unreadable, Failure)
    assert unreadable.reason == "parse_failed"
    assert isinstance(fine, Reply)


def test_unknown_sampling_setting_is_a_config_error(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """It would be the same for every question, so it stops the run."""
    llm = LocalLLM.of("local:tiny", tiny(), tokenizer)
    with pytest.raises(ConfigError, match="top_k"):
        asyncio.run(llm.answer(make_question(sampling=(("top_k", 4.0),))))


def test_a_folder_without_a_model_is_a_config_error(tmp_path: Any) -> None:
    """And everybody who waits hears of it."""
    llm = LocalLLM("local:nothing", tmp_path)
    with pytest.raises(ConfigError, match="no causal model"):
        asyncio.run(answer_all(llm, [make_question("a"), make_question("b")], 2))


def test_one_who_gives_up_harms_no_other(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """A cancelled question leaves the queue."""
    llm = LocalLLM.of("local:tiny", tiny(), tokenizer)

    async def ask() -> Reply:
        impatient, patient = (asyncio.create_task(llm.answer(question)) for question in yes_no_questions()[:2])
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert asyncio.run(ask()).question == yes_no_questions()[1].key


@pytest.mark.model
def test_real_judge_answers_alike_in_any_batch(demo_judge: LocalLLM) -> None:
    """SmolLM2 in float32: batched, shared and alone agree, and the answers are not all the same."""
    texts = ("The river was high after the rain.", "She signed the contract.", "A river of people.", "Four plus two.")
    prompt = "Does the text mention a river? Answer Yes or No.\nText: "
    detect = [make_question(prompt + text, YesNo(), system="You judge.") for text in texts]
    window = [make_question(make_window_prompt(["the", "river", "bank", n]), digits(4)) for n in ("is", "was")]
    for questions in (detect, window):
        together = rows(ask_all(demo_judge, questions))
        expected = np.concatenate([read_whole(demo_judge, question) for question in questions])
        np.testing.assert_allclose(together, expected, atol=1e-4)
        assert expected[:, 0].std() > 0.01


@pytest.mark.model
def test_real_judge_writes_and_stops(demo_judge: LocalLLM) -> None:
    """It follows its chat template and ends by itself."""
    question = make_question("What is the capital of France? Answer with one sentence.", max_tokens=40)
    (reply,) = ask_all(demo_judge, [question])
    assert "Paris" in reply.text
    assert 0 < reply.tokens_out < 40


def test_questions_in_the_order_of_their_prefixes_are_computed_a_third(
    tokenizer: Any, tiny: Callable[..., Any]
) -> None:
    """At least three times fewer prompt tokens than in random order: each shared beginning is computed once."""
    questions = [
        make_question(f"label {'house river ' * 12}{label} text {item}", wants=YesNo())
        for label in range(24)
        for item in range(8)
    ]
    questions = [replace(q, prompt=f"{n // 8} {q.prompt}") for n, q in enumerate(questions)]

    def n_computed(ordered: list[Question]) -> int:
        llm = LocalLLM.of("local:tiny", tiny(), tokenizer)
        replies = asyncio.run(answer_all(llm, ordered, 1))
        return sum(reply.tokens_in - reply.tokens_cached for reply in replies)  # type: ignore[union-attr]

    shuffled = sorted(questions, key=lambda question: question.key)
    assert n_computed(shuffled) >= 3 * n_computed(order_by_prefix(shuffled))
