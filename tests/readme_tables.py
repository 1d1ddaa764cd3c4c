"""The README's tables, made from the code; ``python tests/readme_tables.py`` writes them anew."""

import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

# Behind everything else, so that no benchmark hides a package of its name.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from trials.sequential import MIX

from autointerp import explain, score
from autointerp.core.protocols import Scorer, StepScorer
from autointerp.metrics.intervals import wilson_interval
from autointerp.metrics.sequential import confidence_sequence, course_at, fixed_size
from autointerp.pipeline.planning import n_written_by
from autointerp.pipeline.sections import ExplainSection
from autointerp.prompting.files import parse_prompt
from autointerp.score.cost import estimate_tokens

ROOT = Path(__file__).parents[1]
NEEDS = {
    "digits": "log-probabilities of digits¹",
    "yes_no": "log-probabilities of Yes and No¹",
    "text": "a writer",
    "subject": "the subject",
    "encoder": "an encoder",
}
WRITES = {"simulation_json": "whole numbers as JSON"}
"""What a scorer wants text for, where that is not to be run through the subject."""
HALF_WIDTH = 0.05
DELPHI = (50 + 50, 5)
"""Windows a scorer and windows a call by default: EleutherAI/delphi, delphi/config.py (``n_examples_test``,
``n_non_activating``) and ``num_examples_per_scorer_prompt``; one call writes the label."""
ACCURACIES = (0.5, 0.8, 0.9, 0.97)


@cache
def scorers() -> dict[str, Scorer | StepScorer]:
    """Return every scorer with the settings and prompts that are shipped."""
    names = {**score.PROMPTS, **score.STEP_PROMPTS}
    made = {**score.SCORERS, **score.STEP_SCORERS}
    return {name: make(_prompt(names[name]), score.ScoreSettings()) for name, make in made.items()}


def _prompt(name):
    return parse_prompt(name, (ROOT / "prompts" / f"{name}.jinja").read_text("utf-8")) if name else None


def _question(thing: object) -> str:
    """Return what a module says it asks: the first line of its docstring, without name and source."""
    first = _first_line(thing)
    return re.sub(r"\s*\([^()]*\)$", "", first.partition(": ")[2] or first)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _chance(scorer: Scorer | StepScorer) -> str:
    return "the label's share of all text" if scorer.chance is None else f"{scorer.chance:g}"


def _needs(scorer: Scorer | StepScorer) -> str:
    wanted = [WRITES.get(scorer.name, NEEDS[need]) if need == "text" else NEEDS[need] for need in scorer.needs]
    return ", ".join([*wanted, *([] if scorer.uses_label else ["no label"])])


def scorer_table() -> str:
    """Return a row a scorer: what it asks, what is read, chance, range, direction, needs."""
    rows = [
        (
            f"`{name}`",
            _question(scorer),
            " ".join(filter(None, reversed(scorer.headline))),
            _chance(scorer),
            f"{scorer.low:g} to {scorer.high:g}",
            "higher" if scorer.direction > 0 else "lower",
            _needs(scorer),
        )
        for name, scorer in scorers().items()
    ]
    return _table(("scorer", "asks", "is read by", "chance", "range", "better", "needs"), rows)


def explainer_table() -> str:
    """Return a row an explainer: what it is, and how many questions a feature it asks the explaining model."""
    section, settings = ExplainSection(), explain.ExplainSettings()
    classes = {name: _made(name, settings) for name in explain.EXPLAINERS} | {
        "best_of": explain.BestOf,
        "revise": explain.Revise,
    }
    rows = [
        (
            f"`{name}`",
            _first_line(thing),
            _asks(name, n_written_by(name, section)),
        )
        for name, thing in classes.items()
    ]
    return _table(("explainer", "what it is", "questions a feature"), rows)


def _asks(name: str, n: int) -> str:
    if name in explain.STEP_EXPLAINERS:
        return f"{n}, and a scorer's for every label tried"
    return str(n) if n else "none: no language model"


def _made(name: str, settings: explain.ExplainSettings) -> object:
    return explain.EXPLAINERS[name](_prompt(explain.PROMPTS[name]), settings)


def _first_line(thing: object) -> str:
    """Return the first line of the docstring of the module that a class, or an object's class, stands in."""
    owner = thing if isinstance(thing, type) else type(thing)
    return (sys.modules[owner.__module__].__doc__ or "").splitlines()[0].rstrip(".")


def call_table() -> str:
    """Return a row for the label and one a scorer: calls, tokens a call, tokens in all."""
    label = f"{label_tokens():,}"
    rows = [
        ("the label itself, by `examples`", "1", label, label),
        *(
            (f"`{name}`", f"{s.calls:,}", f"{s.tokens_a_call:,}", f"{s.calls * s.tokens_a_call:,}")
            for name, s in scorers().items()
        ),
    ]
    return _table(("scorer", "calls a label", "tokens a call", "tokens a label"), rows)


def items_for(accuracy: float, interval) -> int:
    """Return after how many answers, a share *accuracy* of them right, the interval is no wider than ± 0.05."""
    n = 1
    while True:
        low, high = interval(round(n * accuracy), n)
        if high - low <= 2 * HALF_WIDTH:
            return n
        n += 1


def _wilson(n_right: int, n: int):
    return wilson_interval(n_right / n, n)


def cost_table() -> str:
    """Return what label, detection and fuzzing cost by design: calls, windows judged, tokens."""
    n_delphi, a_call = DELPHI
    decided = sum(share * course_at(accuracy).mean_items for accuracy, share in MIX.items())
    low, high = _wilson(round(0.8 * n_delphi), n_delphi)
    delphi = f"an accuracy of 0.8 to ± {(high - low) / 2:.2f}"
    rows = [_design("delphi's defaults, fixed", n_delphi, what=delphi, a_call=a_call)]
    told = "whether 0.8 or more, or 0.6 or less; 5% errors each"
    rows.append(_design("sequential, good or bad", round(decided), what=told))
    rows.append(_design("fixed, good or bad", fixed_size()[0], what="the same, looked at once"))
    rows += [
        _design(
            f"sequential, ± 0.05, true accuracy {a:g}",
            items_for(a, confidence_sequence),
            what="± 0.05, whenever looked at",
        )
        for a in ACCURACIES
    ]
    rows.append(_design("fixed, ± 0.05", items_for(0.5, _wilson), what="± 0.05 whatever the accuracy, looked at once"))
    return _table(("design", "calls a feature", "windows judged", "tokens, roughly", "then known"), rows)


def _design(name: str, n: int, *, what: str, a_call: int = 1) -> tuple[str, ...]:
    calls = 1 + 2 * -(-n // a_call)
    return name, f"{calls:,}", f"{2 * n:,}", _tokens(n) if a_call == 1 else "not known", what


def _tokens(n: int) -> str:
    judged = sum(scorers()[name].tokens_a_call for name in ("detection", "fuzzing"))
    return f"{round(label_tokens() + n * judged, -2):,}"


def label_tokens() -> int:
    """Return the tokens of the question for a label by ``examples`` and of its reply, roughly."""
    settings = explain.ExplainSettings()
    return estimate_tokens(_prompt(explain.PROMPTS["examples"]), text=32 * settings.n_shown, answer=settings.max_tokens)


TABLES = {"scorers": scorer_table, "explainers": explainer_table, "calls": call_table, "cost": cost_table}


def with_tables(text: str) -> str:
    """Return the README with each table as the code has it."""
    for name, table in TABLES.items():
        place = re.compile(rf"(<!-- table {name} -->\n).*?(\n<!-- /table -->)", re.DOTALL)
        assert len(place.findall(text)) == 1, name
        text = place.sub(lambda m, table=table: m[1] + table() + m[2], text)
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_tables(readme.read_text("utf-8")), "utf-8")
