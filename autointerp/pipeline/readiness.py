"""Whether the models of a run can answer what it will ask: found out before the text is read and money spent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import LLM, Scorer, StepScorer
from autointerp.core.types import Digits, Question, Text, Wants, YesNo
from autointerp.explain import PROMPTS, STEP_EXPLAINERS
from autointerp.llm.probing import check_answerable, find_remote, prepare
from autointerp.pipeline.judges import REMOTE
from autointerp.pipeline.judging import Trial, configured, scorers_of, step_scorers_of
from autointerp.pipeline.run import Run
from autointerp.pipeline.stepping import Models
from autointerp.pipeline.waiting import wait_for
from autointerp.store.places import cache_of

WANTED: dict[str, Wants] = {"yes_no": YesNo(), "digits": Digits(1, "_", "<start>", 9), "text": Text()}
KINDS = ("decisions", "logprob", "prompt_logprob", "verbalised")
SILENT = ("harvest", "evidence")


@dataclass(frozen=True, slots=True)
class Asker:
    """A part of the run that asks a model, with a question of each form it will ask."""

    name: str
    questions: tuple[Question, ...]


Askers = dict[str, list[Asker]]
"""Who asks each model, by the model's configured name."""


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
    askers: Askers = {}
    if last != "certify":
        _add_explainers(run, askers)
    if last != "explain" or run.config.certify.n_features:
        _add_scorers(run, configured(run), askers)
    if run.config.anchors.n_items:
        _add_scorers(run, Trial(("detection",), run.config.score.judge), askers)
    for name, mine in askers.items():
        make_judge_ready(run, name, mine)


def make_trial_ready(run: Run, trial: Trial) -> None:
    """Make the models ready that a trial will ask. Raises what ``make_ready`` raises."""
    askers: Askers = {}
    _add_scorers(run, trial, askers)
    for name, mine in askers.items():
        make_judge_ready(run, name, mine)


def make_judge_ready(run: Run, name: str, askers: Sequence[Asker]) -> None:
    """Make one model ready for those who ask it. Raises what ``make_ready`` raises."""
    if not name.startswith(REMOTE):
        return
    judge = run.judge(name)
    wait_for(prepare(judge, cache_of(run.home)))
    for asker in askers:
        _check(judge, asker)


def scorer_askers(run: Run) -> list[Asker]:
    """Return the configured scorers that ask the judge."""
    askers: Askers = {}
    _add_scorers(run, configured(run), askers)
    return askers.get(run.config.score.judge, [])


def _add_scorers(run: Run, trial: Trial, askers: Askers) -> None:
    """Add each scorer to those who ask the judge, or the writer of texts; an encoder is asked nothing."""
    models = Models.of(run, judge=trial.judge)
    scorers: list[Scorer | StepScorer] = [*scorers_of(run, trial.scorers), *step_scorers_of(run, trial.scorers)]
    for scorer in scorers:
        model = models.writer if "subject" in scorer.needs else models.judge
        if "encoder" not in scorer.needs:
            askers.setdefault(model, []).append(Asker(f"scorer {scorer.name}", tuple(_examples(scorer))))


def _add_explainers(run: Run, askers: Askers) -> None:
    """Add each explainer to those who ask the explaining model, and the scorer that labels are tried with."""
    section, judge = run.config.explain, run.config.score.judge
    for name in section.explainers:
        if PROMPTS[section.starts_from if name in STEP_EXPLAINERS else name] is not None:
            question = Question("", "", section.max_tokens, Text())
            askers.setdefault(section.model, []).append(Asker(f"explainer {name}", (question,)))
        if name in STEP_EXPLAINERS:
            (scorer,) = scorers_of(run, [section.tries_by])
            askers.setdefault(judge, []).append(Asker(f"explainer {name}", tuple(_examples(scorer))))


def _examples(scorer: Scorer | StepScorer) -> Iterator[Question]:
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
