"""The verb ``review``: a person judges windows blind, a line at a time; how far people and judges agree."""

import getpass
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autointerp.cli.app import DEFAULT_HOME, AsJson, Home, RunName, answer, app
from autointerp.core.errors import ConfigError

if TYPE_CHECKING:
    from autointerp.analysis.human import HumanAgreement, Pairing, Rater
    from autointerp.pipeline.reviewing import Case, Said

QUESTION = "Does the text hold what the label says?"
KEYS = "y yes · n no · ? cannot tell · b back · q quit"
WORDS = {
    "y": "yes", "yes": "yes", "n": "no", "no": "no", "?": "unsure", "b": "back", "back": "back",
    "q": "quit", "quit": "quit",
}  # fmt: skip
SECONDS_AN_ANSWER = 8.0
"""How long an answer is taken to need before there is one."""


@app.command()
def review(
    name: RunName = "",
    rater: Annotated[str, typer.Option(help="Who answers; your login if left out.")] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="So many windows.")] = 20,
    seed: Annotated[int | None, typer.Option(help="Another draw than the run's; raters share one.")] = None,
    agreement: Annotated[bool, typer.Option("--agreement", help="Print how far raters and judges agree.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Judge labels yourself, blind, window by window; then compare with the judges."""
    from autointerp.pipeline.finding import config_of, find_run

    folder = find_run(home, name)
    drawn = config_of(folder).seed if seed is None else seed
    if agreement:
        _print_agreement(folder, seed=drawn, as_json=as_json)
        return
    _review(folder, rater=rater.strip() or _login(), seed=drawn, n=n, as_json=as_json)


def _review(folder: Path, *, rater: str, seed: int, n: int, as_json: bool) -> None:
    from autointerp.pipeline.reviewing import Ledger, cases_left, hold_session

    cases = cases_left(folder, rater=rater, seed=seed, n=n)
    dialogue = Dialogue(cases)
    n_kept = hold_session(cases, ask=dialogue.ask, keep=Ledger(folder, rater).keep)
    done = f"{n_kept} answers of {rater} kept in {folder.name}" if cases else f"{rater} has answered everything here"
    text = f"{done}; go on with the same command, compare with: autointerp review --agreement"
    answer({"run": str(folder), "rater": rater, "answered": n_kept, "asked": len(cases)}, text, as_json=as_json)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        msg = "this machine does not know your name; give one with --rater NAME"
        raise ConfigError(msg) from None


# ---- the dialogue


@dataclass
class Dialogue:
    """Shows cases on stderr and reads answers from the lines of stdin; its end is as good as ``q``."""

    cases: "Sequence[Case]"
    seconds: list[float] = field(default_factory=list)

    def ask(self, place: int) -> "Said":
        """Show the case and return what is said to it, asking again until it can be understood."""
        from autointerp.pipeline.reviewing import Command, Said

        _tell(self._page(place))
        start = time.monotonic()
        while (word := _read_word()) not in WORDS:
            _tell(KEYS)
        said = Said(Command(WORDS[word]), time.monotonic() - start)
        self.seconds.append(said.seconds)
        return said

    def _page(self, place: int) -> str:
        from autointerp.pipeline.looking import printable

        case = self.cases[place]
        progress = f"{place + 1} of {len(self.cases)} · {self._time_left(len(self.cases) - place)}"
        label, text = printable(case.label.text), printable(case.window.text)
        keys = "y n ? b q" if self.seconds else KEYS
        return f"\n{progress}\nLabel  {label}\nText   {text}\n{QUESTION}  {keys}"

    def _time_left(self, n_left: int) -> str:
        pace = statistics.median(self.seconds) if self.seconds else SECONDS_AN_ANSWER
        minutes = round(n_left * pace / 60)
        return f"about {minutes} min left" if minutes else "less than a minute left"


def _read_word() -> str:
    """Return what the next line says; the end of the input says ``q``."""
    line = sys.stdin.readline()
    return line.strip().lower() if line else "q"


def _tell(text: str) -> None:
    typer.echo(text, err=True)


# ---- the agreement


def _print_agreement(folder: Path, *, seed: int, as_json: bool) -> None:
    from autointerp.analysis.human import agreement_of_run
    from autointerp.pipeline.reviewing import rated_tables

    found = agreement_of_run(rated_tables(folder), seed=seed)
    answer({"run": str(folder), **asdict(found)}, _agreement_text(found, folder), as_json=as_json)


def _agreement_text(found: "HumanAgreement", folder: Path) -> str:
    from autointerp.pipeline.looking import printable

    if not found.raters:
        return f"nobody has answered yet: autointerp review {folder.name}"
    lines = [*map(_rater_line, found.raters), "", *map(_pairing_line, found.pairings)]
    if not any(pair.kind == "truth" for pair in found.pairings):
        lines.append("no yes or no to a label of the run's own stands beside a held-out window: nothing on what fires")
    return "\n".join(line if not line else printable(line) for line in lines)


def _rater_line(rater: "Rater") -> str:
    from autointerp.analysis.figures import ranged

    false = (
        f"{ranged(rater.false_yes, rater.false_yes_low, rater.false_yes_high)}"
        f" ({_counted(rater.n_control, 'answer')}, {_counted(rater.n_control_features, 'feature')})"
        if rater.n_control
        else "not known, none was shown yet"
    )
    judged = f"{rater.n_judged} beside a judge's" if rater.n_judged else "no judge answered any of them"
    counts = f"{_counted(rater.n_answers, 'answer')} · {rater.n_unsure} could not tell · {judged}"
    return f"{rater.rater}: {counts} · yes to another feature's label {false}"


def _pairing_line(pair: "Pairing") -> str:
    from autointerp.analysis.figures import ranged

    of = {"truth": "what fires", "judge": f"{pair.other} ({pair.scorer})", "rater": pair.other}[pair.kind]
    labels = "" if pair.control == "none" else " · another feature's label"
    numbers = [
        f"agree {ranged(pair.raw, pair.raw_low, pair.raw_high)}",
        f"kappa {ranged(pair.kappa, pair.kappa_low, pair.kappa_high)}",
        f"yes {pair.prevalence:.2f}",
        f"{_counted(pair.n_items, 'window')} of {_counted(pair.n_features, 'feature')}",
    ]
    return f"{pair.rater} and {of}{labels}: " + " · ".join([*numbers, *filter(None, [pair.note])])


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
