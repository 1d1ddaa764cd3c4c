"""Scorers and explainers that go by steps: many generators at once, their steps answered in rounds.

In each round the kind of step that most of them wait for is answered: a local model fills its batches, and
two models that take turns are not loaded for every question.
"""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from autointerp.core.steps import Answer, Embed, Passage, Step
from autointerp.core.types import Failure, Question
from autointerp.pipeline.asking import Asked, ask
from autointerp.pipeline.run import Run

T = TypeVar("T")


@dataclass(frozen=True)
class Models:
    """Who answers questions of each role, by configured name; a question without role is the judge's."""

    explainer: str
    judge: str
    writer: str

    @classmethod
    def of(cls, run: Run, *, judge: str = "") -> "Models":
        """Return those of a run's configuration, with another judge where one is named."""
        config = run.config
        return cls(config.explain.model, judge or config.score.judge, config.score.writer or config.explain.model)

    def named(self, role: str) -> str:
        """Return the model for a role."""
        return {"explainer": self.explainer, "writer": self.writer}.get(role, self.judge)


@dataclass(frozen=True)
class Driven(Generic[T]):
    """What each generator returned, in order, and the questions that were asked on the way."""

    results: list[T]
    asked: list[Asked]

    @property
    def failures(self) -> list[Failure]:
        return [reply for asked in self.asked for reply in asked.replies if isinstance(reply, Failure)]


@dataclass
class Answerer:
    """Answers steps of one kind together."""

    run: Run
    models: Models
    stage: str
    asked: list[Asked] = field(default_factory=list)

    def kind_of(self, step: Step) -> str:
        """Return what must be equal for two steps to be answered together: model, dictionary or encoder."""
        match step:
            case Question(role=role):
                return f"ask {self.models.named(role)}"
            case Passage(feature=feature):
                return f"run {feature.dictionary}"
        return "embed"

    def answer(self, steps: Sequence[Step]) -> list[Answer]:
        """Return the answers to steps of one kind, in their order."""
        match steps[0]:
            case Question(role=role):
                return self._ask(self.models.named(role), [s for s in steps if isinstance(s, Question)])
            case Passage(feature=feature):
                return self._run(feature.dictionary, [s for s in steps if isinstance(s, Passage)])
        return list(self.run.encoder.encode([s.text for s in steps if isinstance(s, Embed)]))

    def _ask(self, name: str, questions: list[Question]) -> list[Answer]:
        self.asked.append(ask(self.run, self.run.judge(name), questions, stage=self.stage))
        return list(self.asked[-1].replies)

    def _run(self, name: str, passages: list[Passage]) -> list[Answer]:
        from autointerp.pipeline.harvesting import readers_of
        from autointerp.subject.passages import run_passages

        run = self.run
        reader = next(r for r in readers_of(run) if r.dictionary.name == name)
        return list(run_passages(run.subject, reader, passages))


def drive(run: Run, generators: Sequence[Generator[Step, Answer, T]], *, models: Models, stage: str) -> Driven[T]:
    """Carry all generators to their end; at most ``score.at_once`` questions are under way at a time.

    A resumed run comes to the same place: replies are in the reply store, the subject and the encoder
    answer alike every time.
    """
    answerer = Answerer(run, models, stage)
    results: dict[int, T] = {}
    waiting: dict[int, Step] = {}

    def go_on(place: int, answer: Answer | None) -> None:
        try:
            # A generator that was not begun takes nothing but None.
            waiting[place] = generators[place].send(answer)  # type: ignore[arg-type]
        except StopIteration as ended:
            waiting.pop(place, None)
            results[place] = ended.value

    for place in range(len(generators)):
        go_on(place, None)
    while waiting:
        places = _largest(waiting, answerer)
        answers = answerer.answer([waiting[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            go_on(place, answer)
    return Driven([results[place] for place in range(len(generators))], answerer.asked)


def _largest(waiting: dict[int, Step], answerer: Answerer) -> list[int]:
    """Return who waits for the kind of step that most wait for, the first kind of equals."""
    kinds = {place: answerer.kind_of(step) for place, step in sorted(waiting.items())}
    chosen = Counter(kinds.values()).most_common(1)[0][0]
    return [place for place, kind in kinds.items() if kind == chosen]
