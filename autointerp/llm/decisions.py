"""OpenAI's decisions: a probability for a statement about an input, one for each level of a scale."""

from typing import Any

from autointerp.core.errors import AskFailed
from autointerp.core.types import Digits, Question, Reason, YesNo
from autointerp.llm.chat import read_usage
from autointerp.llm.verbalised import UnreadableError, graded
from autointerp.llm.wire import Body, Form, Read, Rows, Server

SCALE_END = "the strongest"


def write_decision(question: Question, server: Server) -> Body:
    """Return the body: the prompt as the input, one predicate for yes or no, one score for each placeholder."""
    system = f"{question.system}\n\n" if question.system else ""
    match question.wants:
        case YesNo():
            asked: list[dict[str, Any]] = [
                {
                    "type": "predicate",
                    "instructions": "The right answer to the question at the end of the input is Yes.",
                }
            ]
        case Digits() as wants:
            asked = [_score(wants, place) for place in range(wants.count)]
        case _:
            raise AssertionError("decisions are asked for graded answers only")
    return {"model": server.model, "input": f"{system}{question.prompt}", "questions": asked}


def _score(wants: Digits, place: int) -> dict[str, Any]:
    where = f"the {place + 1}. {wants.placeholder!r} after the last line {wants.after!r} of the input"
    return {
        "type": "score",
        "instructions": f"The number from 0 to {wants.scale} that stands in the place of {where}.",
        "levels": [{"label": str(number)} for number in range(wants.scale + 1)],
    }


def read_decision(response: Any, question: Question, server: Server) -> Read:
    """Return the probabilities. Raises AskFailed when it is no decision."""
    answers = response.get("answers") if isinstance(response, dict) else None
    if not isinstance(answers, list):
        raise AskFailed(Reason.PROVIDER_ERROR, f"{server.place} sent no decision; check that the model offers them")
    refused = [answer for answer in answers if isinstance(answer, dict) and answer.get("type") == "refusal"]
    read = Read(
        model=str(response.get("model") or server.model),
        text="",
        usage=read_usage(response.get("usage")),
        failed=Reason.JUDGE_REFUSED.value if refused else "",
        detail=f"{len(refused)} of {len(answers)} questions refused" if refused else "",
    )
    return graded(read, lambda _: (_rows(answers, question), "decisions"))


def _rows(answers: list[Any], question: Question) -> Rows:
    """Return one row a question. Raises UnreadableError for another number or for what is no probability."""
    wants = question.wants
    n_asked, n_levels = (wants.count, wants.scale + 1) if isinstance(wants, Digits) else (1, 2)
    try:
        rows = tuple(_row(answer, n_levels) for answer in answers)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"an answer holds no probabilities ({type(error).__name__})") from error
    if len(rows) != n_asked:
        raise UnreadableError(f"{len(rows)} answers to {n_asked} questions")
    return rows


def _row(answer: dict[str, Any], n_levels: int) -> tuple[float, ...]:
    """Return probabilities that sum to 1, in the order of the levels."""
    if answer["type"] == "predicate":
        shares = {0: float(answer["probability"]), 1: 1 - float(answer["probability"])}
    else:
        shares = {int(level["label"]): float(level["probability"]) for level in answer["probabilities"]}
    total = sum(shares.values())
    if set(shares) - set(range(n_levels)) or min(shares.values()) < 0 or not 0 < total < float("inf"):
        raise ValueError("no probabilities")
    return tuple(shares.get(level, 0.0) / total for level in range(n_levels))


DECISIONS = Form("decisions", "decisions", write_decision, read_decision)
