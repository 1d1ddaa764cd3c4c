"""The verbs that watch: two runs beside each other, baselines, the gate."""

from pathlib import Path
from typing import Annotated, Any

import typer

from autointerp.cli.app import DEFAULT_HOME, AsJson, Home, RunName, answer, app, progress, runs_app
from autointerp.core.errors import ConfigError

baseline_app = typer.Typer(help="Runs that others are held against, under names of their own.", no_args_is_help=True)
runs_app.add_typer(baseline_app, name="baseline")

BaselineName = Annotated[str, typer.Argument(help="The baseline's name.")]


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="The run compared with: folder, name or name-key.")],
    b: Annotated[str, typer.Argument(help="The other run.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Compare two runs by feature: differences with intervals, verdicts that turned, and what may explain them."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.compared import compare

    found = compare(find_run(home, a), find_run(home, b))
    answer(found.as_dict(), found.text(), as_json=as_json)


@app.command()
def gate(
    name: RunName = "",
    baseline: Annotated[str, typer.Option(help="A baseline's name, see `autointerp runs baseline list`.")] = "",
    rules: Annotated[
        Path | None, typer.Option(help="A configuration whose [gate] counts; the run's own if left out.")
    ] = None,
    form: Annotated[str, typer.Option("-f", "--format", help="text, github, junit or markdown.")] = "text",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Hold a run against a baseline: exit code 0 pass, 10 fail, 7 inconclusive."""
    from autointerp.pipeline.baselining import find_baseline, run_of_baseline
    from autointerp.pipeline.config import gate_rules
    from autointerp.pipeline.finding import find_run
    from autointerp.report.gate_formats import FORMATS
    from autointerp.report.gated import gate as hold
    from autointerp.report.gated import tell

    if form not in FORMATS:
        msg = f"no format {form!r}; there are {', '.join(FORMATS)}"
        raise ConfigError(msg)
    held = run_of_baseline(home, find_baseline(home, baseline))
    run = find_run(home, name)
    with progress() as show:
        gated = hold(run, held, rules=gate_rules(rules) if rules else None, on_progress=show)
    told = tell(home, baseline, run, gated)
    answer(gated.as_dict() | {"webhook": told}, FORMATS[form](gated), as_json=as_json)
    if told:
        typer.echo(told, err=True)
    raise typer.Exit(gated.exit_code)


@baseline_app.command("set")
def baseline_set(
    name: BaselineName,
    run: Annotated[str, typer.Argument(help="A finished run: folder, name or name-key.")],
    replace: Annotated[bool, typer.Option("--replace", help="Give a name that is taken another run.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Lock a run as it is now under a name."""
    from autointerp.pipeline.baselining import set_baseline
    from autointerp.pipeline.finding import find_run

    _say([set_baseline(home, name, find_run(home, run), replace=replace)], as_json=as_json, one=True)


@baseline_app.command("list")
def baseline_list(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the baselines."""
    from autointerp.pipeline.baselining import list_baselines

    _say(list_baselines(home), as_json=as_json, one=False)


@baseline_app.command("unset")
def baseline_unset(name: BaselineName, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Forget a baseline; its run stays."""
    from autointerp.pipeline.baselining import unset_baseline

    _say([unset_baseline(home, name)], as_json=as_json, one=True)


def _say(baselines: list[Any], *, as_json: bool, one: bool) -> None:
    from dataclasses import asdict

    rows = [asdict(baseline) for baseline in baselines]
    text = "\n".join(baseline.line() for baseline in baselines) or "no baselines yet"
    answer(rows[0] if one else rows, text, as_json=as_json)
