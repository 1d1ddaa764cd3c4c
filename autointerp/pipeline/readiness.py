"""Whether the models of a run can answer what it will ask: found out before the text is read and money spent."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import LLM, Scorer
from autointerp.core.types import Digits, Question, Text, Wants, YesNo
from autointerp.explain import PROMPTS
from autointerp.llm.probing import check_answerable, find_remote, prepare
from autointerp.pipeline.judges import REMOTE
from autointerp.pipeline.judging import scorers_of
from autointerp.pipeline.run import Run

WANTED: dict[str, Wants] = {"yes_no": YesNo(), "digits": Digits(1, "_", "<start>", 9), "text": Text()}
KINDS = ("decisions", "logprob", "prompt_logprob", "verbalised")
SILENT = ("harvest", "evidence")


@dataclass(frozen=True, slots=True)
class Asker:
    """A part of the run that asks a model, with a question of each form it will ask."""

    name: str
    questions: tuple[Question, ...]


def make_ready(run: Run, last: str = "") -> None:
    """Find out what the servers behind the run's models can do, once for all runs, and whether it is enough.

    Nothing is asked of a model in this process, nor for stages up to *last* that ask nobody.

    Raises:
        ConfigError: A scorer or explainer cannot do with the answers that the model gives.
        ProviderUnavailable: A server cannot be asked.
        EnvironmentProblem: A key is not set.
    """
    if last in SILENT:
        return
    for name, askers in _askers(run, last).items():
        make_judge_ready(run, name, askers)


def make_judge_ready(run: Run, name: str, askers: Sequence[Asker]) -> None:
    """Make one model ready for those who ask it. Raises what ``make_ready`` raises."""
    if not name.startswith(REMOTE):
        return
    judge = run.judge(name)
    asyncio.run(prepare(judge, run.home / "cache"))
    for asker in askers:
        _check(judge, asker)


def scorer_askers(run: Run) -> list[Asker]:
    """Return the configured scorers as those who ask the judge."""
    return [Asker(f"scorer {scorer.name}", tuple(_examples(scorer))) for scorer in scorers_of(run)]


def _askers(run: Run, last: str) -> dict[str, list[Asker]]:
    """Return who asks each model."""
    askers: dict[str, list[Asker]] = {}
    config = run.config
    for name in config.explain.explainers if last != "certify" else ():
        if PROMPTS[name] is not None:
            question = Question("", "", config.explain.max_tokens, Text())
            askers.setdefault(config.explain.model, []).append(Asker(f"explainer {name}", (question,)))
    if last != "explain" or config.certify.n_features:
        askers.setdefault(config.score.judge, []).extend(scorer_askers(run))
    return askers


def _examples(scorer: Scorer) -> Iterator[Question]:
    """Yield a question of each form that the scorer asks in, saying which kinds of answer it can do with."""
    kinds = tuple(need for need in scorer.needs if need in KINDS)
    for need in scorer.needs:
        if need in WANTED:
            yield Question("", "", 1, WANTED[need], kinds=kinds)


def _check(judge: LLM, asker: Asker) -> None:
    assert find_remote(judge) is not None
    try:
        check_answerable(judge, asker.questions)
    except ConfigError as error:
        msg = f"{asker.name} cannot be used with {judge.name}: {error}"
        raise ConfigError(msg) from None
