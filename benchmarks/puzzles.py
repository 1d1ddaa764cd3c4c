"""How often a judge puts the true label of a neuron puzzle first: ``python benchmarks/puzzles.py [--judge NAME]``.

The 19 made-up neurons of Bills et al. 2023, each with one true and three or four false explanations,
through the scorer ``simulation``. They are not in the repository: without
``shared/fixtures/openai_puzzles/puzzles.json`` beside it this says so and measures nothing. There is
no bar: it is a figure of the judge, not of this program. GPT-4 puts the true label first in 16 (PROTOCOLS,
section 4). Replies are kept in ``--replies``, so that a run that was broken off goes on.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "score"))

from puzzles import PATH, Puzzle, read_puzzles
from trials.figure import Figure, report

from autointerp.core.protocols import LLM, Scorer
from autointerp.core.types import Prediction, Score
from autointerp.llm.gather import answer_all
from autointerp.llm.registry import open_llm
from autointerp.prompting.files import parse_prompt
from autointerp.score import SCORERS, ScoreSettings, prompt_of

ROOT = Path(__file__).parents[1]


def puzzle_settings(layout: str) -> ScoreSettings:
    """Return settings that ask about every sentence, however few there are; digits 0..9 are one token each."""
    return ScoreSettings(min_available=0, n_top=99, n_random=99, scale=9, layout=layout)


def make_scorer(settings: ScoreSettings) -> Scorer:
    name = prompt_of("simulation", settings)
    text = (ROOT / "prompts" / f"{name}.jinja").read_text("utf-8")
    return SCORERS["simulation"](parse_prompt(str(name), text), settings)


async def judged(scorer: Scorer, puzzle: Puzzle, llm: LLM) -> list[Score]:
    """Return the score of each explanation of the puzzle, the true one first."""
    labels = [puzzle.labelled(text) for text in (puzzle.true, *puzzle.false)]
    asked = [(labelled, question) for labelled in labels for question in scorer.questions(puzzle.evidence, labelled)]
    replies = await answer_all(llm, [question for _, question in asked], 512)
    read: dict[str, list[Prediction]] = {labelled.explanation.key: [] for labelled in labels}
    for (labelled, question), reply in zip(asked, replies, strict=True):
        read[labelled.explanation.key] += scorer.read(puzzle.evidence, labelled, llm.name, question, reply)
    return [scorer.grade(puzzle.evidence, predictions)[0] for predictions in read.values()]


def is_true_first(scores: list[Score]) -> bool:
    """Return whether the true explanation scores above every false one; a score not had is below all others."""
    true, *false = (score.value for score in scores)
    return true is not None and all(value is None or true > value for value in false)


def figures(found: list[list[Score]]) -> list[Figure]:
    """Return how many true labels rank first, what guessing would give, and the mean scores."""
    true = [scores[0].value for scores in found if scores[0].value is not None]
    false = [score.value for scores in found for score in scores[1:] if score.value is not None]
    return [
        report("puzzles", len(found)),
        report("true_label_first", sum(map(is_true_first, found))),
        report("true_label_first_by_guessing", sum(1 / len(scores) for scores in found)),
        *([report("mean_correlation_of_true_labels", sum(true) / len(true))] if true else []),
        *([report("mean_correlation_of_false_labels", sum(false) / len(false))] if false else []),
        report("labels_unscored", sum(score.value is None for scores in found for score in scores)),
    ]


async def ask_about_all(judge: str, layout: str, replies: Path) -> list[list[Score]]:
    llm, scorer, found = open_llm(judge, store_path=replies), make_scorer(puzzle_settings(layout)), []
    for puzzle in read_puzzles():
        found.append(await judged(scorer, puzzle, llm))
        values = [f"{score.value:.2f}" if score.value is not None else str(score.status) for score in found[-1]]
        print(f"{puzzle.name}: {values[0]} true · {' '.join(values[1:])} false", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Print the figures; nothing is held against a bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", default="local:smollm2-135m-instruct")
    parser.add_argument("--layout", default="compact", help="of the prompt: compact, or lines as published")
    parser.add_argument("--replies", type=Path, default=ROOT / "data" / "cache" / "replies.sqlite")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")
    arguments = parser.parse_args()
    if PATH is None:
        print("no shared/fixtures/openai_puzzles/puzzles.json beside the repository: nothing measured")
        return 0
    arguments.replies.parent.mkdir(parents=True, exist_ok=True)
    found = figures(asyncio.run(ask_about_all(arguments.judge, arguments.layout, arguments.replies)))
    print(f"judge {arguments.judge}, top and random windows, layout {arguments.layout}", *found, sep="\n")
    if arguments.json:
        print(json.dumps({figure.name: figure.value for figure in found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
