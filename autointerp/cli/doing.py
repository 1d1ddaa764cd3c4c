"""The verbs that do something: run it all or a part, ask again, train, certify."""

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from autointerp.cli.app import (
    DEFAULT_CONFIG,
    DEFAULT_HOME,
    AsJson,
    BudgetTokens,
    BudgetUsd,
    ConfigFile,
    ConfigOrRun,
    Home,
    Plain,
    RunName,
    Show,
    answer,
    app,
    config_or_demo,
    progress,
)
from autointerp.core.errors import ConfigError, Incomplete


def _carry_out(config: Any, *, home: Path, plain: bool, last: str, show: Show) -> Any:
    """Carry out the stages up to *last* (all if empty), by Prefect or by a plain loop."""
    if plain:
        from flows.plain import carry_out

        return carry_out(config, home=home, on_progress=show, last=last)
    from flows.evaluate import run_with_prefect

    return run_with_prefect(config, home=home, on_progress=show, last=last)


class DemoSize(StrEnum):
    """How much the demo reads and asks."""

    auto = "auto"
    full = "full"
    small = "small"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the command line says of the budget; None leaves what the configuration says."""

    usd: float | None = None
    tokens: int | None = None

    def over(self, config: Any) -> Any:
        """Return the configuration under this ceiling."""
        return config.within(usd=self.usd, tokens=self.tokens)


def _run_all(
    config_path: Path,
    *,
    home: Path,
    plain: bool,
    only: str,
    as_json: bool,
    name: str = "",
    ceiling: Ceiling | None = None,
) -> None:
    """Carry out the stages up to *only* (all if empty), then write the report."""
    from autointerp.pipeline.driver import load_config

    config = (ceiling or Ceiling()).over(load_config(config_path, name=name))
    _run(config, home=home, plain=plain, only=only, as_json=as_json)


def _run(config: Any, *, home: Path, plain: bool, only: str, as_json: bool) -> None:
    """Carry out a configuration and answer what it came to. Raises Incomplete where questions had no reply."""
    with progress() as show:
        outcome = _carry_out(config, home=home, plain=plain, last=only, show=show)
    answer(outcome.as_dict(), outcome.text(), as_json=as_json)
    if outcome.n_unfinished:
        msg = f"{outcome.n_unfinished} questions had no reply; the same command asks them again"
        raise Incomplete(msg)


@app.command()
def demo(
    home: Home = DEFAULT_HOME,
    plain: Plain = False,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    size: Annotated[
        DemoSize, typer.Option(help="auto: about half the size where the machine is slow.")
    ] = DemoSize.auto,
) -> None:
    """Run everything on a real model, offline, and write a report."""
    from autointerp.pipeline.sizing import demo_config

    config, words = demo_config(size.value, home)
    typer.echo(words, err=True)
    config = Ceiling(budget_usd, budget_tokens).over(config)
    _run(config, home=home, plain=plain, only="", as_json=as_json)


@app.command()
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,
    name: Annotated[str, typer.Option(help="Instead of the configuration's name.")] = "",
    plain: Plain = False,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Harvest, label, score and report; run it again to resume."""
    ceiling = Ceiling(budget_usd, budget_tokens)
    _run_all(config, home=home, plain=plain, only="", as_json=as_json, name=name, ceiling=ceiling)


@app.command()
def harvest(
    config: ConfigFile = DEFAULT_CONFIG, home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Only read the text and keep activations and evidence."""
    _run_all(config, home=home, plain=plain, only="evidence", as_json=as_json)


@app.command()
def explain(
    config: ConfigFile = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,
    plain: Plain = False,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Go as far as the labels, without scoring them."""
    ceiling = Ceiling(budget_usd, budget_tokens)
    _run_all(config, home=home, plain=plain, only="explain", as_json=as_json, ceiling=ceiling)


@app.command()
def score(
    config: ConfigOrRun = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,
    scorer: Annotated[str, typer.Option(help="Put a finished run's labels to this scorer, too.")] = "",
    judge: Annotated[str, typer.Option(help="With --scorer: another judge than the run's.")] = "",
    regrade: Annotated[
        bool, typer.Option("--regrade", help="Grade a finished run's answers anew, asking nobody.")
    ] = False,
    plain: Plain = False,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Go as far as the scores; or, of a finished run, add a scorer or grade anew."""
    from autointerp.cli.rescoring import add_to_run, regrade_run

    if (regrade and (scorer or judge)) or (judge and not scorer):
        msg = "--judge goes with --scorer, and --regrade stands alone: it asks nobody"
        raise ConfigError(msg)
    name = "" if config == DEFAULT_CONFIG else str(config)
    if regrade:
        regrade_run(name, home=home, as_json=as_json)
    elif scorer:
        add_to_run(name, scorer, judge, home=home, as_json=as_json, usd=budget_usd, tokens=budget_tokens)
    else:
        ceiling = Ceiling(budget_usd, budget_tokens)
        _run_all(config, home=home, plain=plain, only="score", as_json=as_json, ceiling=ceiling)


@app.command()
def retry(
    name: RunName = "",
    home: Home = DEFAULT_HOME,
    plain: Plain = False,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Ask again what failed in a run; everything answered is kept."""
    from autointerp.pipeline.finding import config_of, find_run
    from autointerp.pipeline.forgetting import forget_failed

    folder = find_run(home, name)
    config = Ceiling(budget_usd, budget_tokens).over(config_of(folder))
    forgotten = forget_failed(folder)
    if not forgotten:
        answer({"retried": 0, "run": str(folder)}, f"{folder}: nothing failed", as_json=as_json)
        return
    with progress() as show:
        outcome = _carry_out(config, home=home, plain=plain, last="", show=show)
    answer({"retried": forgotten, **outcome.as_dict()}, outcome.text(), as_json=as_json)


@app.command()
def train(
    config: ConfigFile,
    into: Annotated[Path, typer.Option(help="Folder of the ladder.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Train a ladder (widths x sparsities x seeds) on activations harvested here; run it again to resume."""
    import shlex

    from autointerp.pipeline.config import parse_train_config, read_toml
    from autointerp.pipeline.training import train_ladder
    from autointerp.report.curves import curve_text
    from autointerp.store.parts import read_table

    checked = parse_train_config(read_toml(config), source=str(config))
    with progress() as show:
        folder = train_ladder(
            checked, home=home, folder=into, command=shlex.join(["autointerp", *sys.argv[1:]]), on_progress=show
        )
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    lines = [
        f"{name}: L0 {q['l0']:.1f} · variance explained {q['fraction_variance_explained']:.3f} · "
        f"cross-entropy recovered {q['fraction_ce_recovered']:.3f} · alive {q['alive_share']:.3f}"
        for name, q in manifest["dictionaries"].items()
    ]
    curve = read_table(folder, "training")
    text = "\n".join([*lines, "", curve_text(curve), f"written to {folder}"])
    answer(manifest | {"curve": curve.to_dict("records")}, text, as_json=as_json)


@app.command()
def certify(
    config: ConfigFile = DEFAULT_CONFIG,
    judge: Annotated[str, typer.Option(help="provider:model, oracle:sensitivity=0.8,specificity=0.8, …")] = "",
    features: Annotated[
        int | None, typer.Option(help="Made-up features; the configuration's number if left out.")
    ] = None,
    items: Annotated[int | None, typer.Option(help="Windows a label is tested on.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Test a judge on features whose truth is known; exit code 0 whatever the verdict."""
    from autointerp.pipeline.verdicts import certify_one, of_size

    sized = of_size(config_or_demo(config), n_features=features, n_items=items)
    checked = Ceiling(budget_usd, budget_tokens).over(sized)
    with progress() as show:
        result = certify_one(checked, judge or checked.score.judge, home=home, on_progress=show)
    answer(result.as_dict(), result.text(), as_json=as_json)
