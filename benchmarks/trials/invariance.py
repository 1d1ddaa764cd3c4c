"""Does a score move with what should not matter: order, company, wording and marks of the same questions?"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from autointerp.core.protocols import Scorer
from autointerp.core.types import Evidence, Failure, Labelled, Prompt, Question, Reply
from autointerp.score import SCORERS, ScoreSettings
from autointerp.trust.oracle import Function, Oracle, judge_function
from autointerp.trust.zoo import meanings
from trials.figure import Figure, at_most
from trials.shortcuts import few_windows, prompt_file
from trials.zoo import Planted

Ask = Callable[[Function, list[Question]], list[Reply]]
WORDS = {
    "detection": "Description: {{ label }}\nPassage: {{ text }}\nIs it anywhere in the passage? Yes or No:",
    "fuzzing": "Passage: {{ text }}\nBetween {{ opening }} and {{ closing }}: {{ label }}? Yes or No:",
}
"""The same questions in other words."""


def in_turn(judge: Function, questions: list[Question]) -> list[Reply]:
    return [_reply(judge, question) for question in questions]


def in_fives(judge: Function, questions: list[Question]) -> list[Reply]:
    """Return the replies to five questions at a time, the last of each five answered first."""
    groups = [questions[start : start + 5] for start in range(0, len(questions), 5)]
    return [reply for group in groups for reply in in_turn(judge, group[::-1])[::-1]]


def with_other_marks(judge: Function, questions: list[Question]) -> list[Reply]:
    """Return the replies to the same prompts with square brackets for marks."""
    return in_turn(judge, [replace(q, prompt=q.prompt.replace("<<", "[[").replace(">>", "]]")) for q in questions])


def _reply(judge: Function, question: Question) -> Reply:
    yes = judge(question)
    assert isinstance(yes, float)
    return Reply(question.key, "oracle", "", ((yes, 1 - yes),), "oracle", 1, 1, 0, 0.0, None)


def score_of(scorer: Scorer, evidence: Evidence, labelled: Labelled, judge: Function, ask: Ask = in_turn) -> float:
    """Return the AUROC of the label by a judge that is asked in a certain way."""
    questions = scorer.questions(evidence, labelled)
    replies: list[Reply | Failure] = [*ask(judge, questions)]
    pairs = zip(questions, replies, strict=True)
    predictions = [p for question, reply in pairs for p in scorer.read(evidence, labelled, "oracle", question, reply)]
    value = scorer.grade(evidence, predictions)[0].value
    assert value is not None
    return value


def moves(name: str, planted: Planted) -> dict[str, float]:
    """Return how far the exact label's score moves when the questions are put otherwise, by what was changed."""
    prompt, settings = prompt_file(name), ScoreSettings()
    scorer, other = SCORERS[name](prompt, settings), SCORERS[name](Prompt(name, "", WORDS[name]), settings)
    evidence, labelled = few_windows(planted.evidence), planted.feature.labelled(planted.feature.rungs[0])
    turned = replace(evidence, held_out=evidence.held_out[::-1])
    judge = judge_function(Oracle(0.8, 0.8), meanings([planted.feature]))
    usual = score_of(scorer, evidence, labelled, judge)
    others = {
        "reordering": score_of(scorer, turned, labelled, judge),
        "asking_five_at_once": score_of(scorer, evidence, labelled, judge, in_fives),
        "other_words": score_of(other, evidence, labelled, judge),
    }
    if name == "fuzzing":
        others["other_marks"] = score_of(scorer, evidence, labelled, judge, with_other_marks)
    return {change: abs(value - usual) for change, value in others.items()}


def figures(planted: Sequence[Planted]) -> list[Figure]:
    """Return the largest move over all features, by scorer and by what was changed."""
    found = []
    for name in WORDS:
        moved = [moves(name, one) for one in planted]
        found += [at_most(f"{name}_moved_by_{what}_most", max(m[what] for m in moved), 0.01) for what in moved[0]]
    return found
