"""One ceiling of questions for many labels: those nearest to a decision are asked first."""

from collections.abc import Mapping, Sequence

from autointerp.core.types import Prediction, Question
from autointerp.pipeline.asking import ask
from autointerp.pipeline.judging import Pair
from autointerp.pipeline.run import Run
from autointerp.pipeline.stepping import Driven
from autointerp.score.sequential import Sequential
from autointerp.trust.sequential import allocate

Said = Sequence[Sequence[Prediction]]
"""The predictions of each label so far."""


def ask_in_rounds(
    run: Run, scorer: Sequential, labels: Sequence[Pair], *, judge: str, n_calls: int
) -> Driven[list[Prediction]]:
    """Return the predictions of each label, of at most *n_calls* questions in all; some have none.

    A resumed run comes to the same place: replies are in the reply store.
    """
    driven: Driven[list[Prediction]] = Driven([[] for _ in labels], [])
    while questions := next_round(scorer, labels, driven.results, n_calls=n_calls):
        driven.asked.append(ask(run, run.judge(judge), list(questions.values()), stage="score"))
        for (place, question), reply in zip(questions.items(), driven.asked[-1].replies, strict=True):
            driven.results[place] += scorer.read(*labels[place], judge, question, reply)
    return driven


def next_round(scorer: Sequential, labels: Sequence[Pair], said: Said, *, n_calls: int) -> Mapping[int, Question]:
    """Return the next question of each label whose turn it is, by its place; none when all is decided or spent.

    Whose turn it is follows from the answers of all labels so far, so the error of each stays what it is.
    """
    open_ = {
        place: question
        for place, (pair, predictions) in enumerate(zip(labels, said, strict=True))
        if (question := scorer.next_question(*pair, predictions))
    }
    decisions = [scorer.decide(labels[place][0], said[place]) for place in open_]
    left = n_calls - sum(map(len, said))
    given = allocate([(d.n_right, d.n) for d in decisions], left, scorer.test)
    return {place: question for (place, question), n in zip(open_.items(), given, strict=True) if n}
