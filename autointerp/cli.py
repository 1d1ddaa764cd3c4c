"""The command line: reads options, calls one function, prints. stdout is the answer, stderr the progress."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from autointerp import __version__
from autointerp.core.errors import AutointerpError, Incomplete

app = typer.Typer(
    help="Labels for the features of sparse dictionaries, and how far each can be trusted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
features_app = typer.Typer(help="Look at features.", no_args_is_help=True)
runs_app = typer.Typer(help="Look at runs.", no_args_is_help=True)
app.add_typer(features_app, name="features")
app.add_typer(runs_app, name="runs")

Home = Annotated[Path, typer.Option("--home", help="Where runs and cache live.", envvar="AUTOINTERP_HOME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ConfigFile = Annotated[Path, typer.Argument(help="The configuration file.")]
Plain = Annotated[bool, typer.Option("--plain", help="Run as plain Python, without Prefect.")]
RunName = Annotated[str, typer.Argument(help="A run's folder, its name or name-key; the newest if left out.")]

DEFAULT_HOME = Path("data")
DEFAULT_CONFIG = Path("autointerp.toml")
INTERRUPTED = 130


def main() -> None:
    """Run the command line; errors of the world are one sentence and an exit code, bugs a traceback."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Idle OpenMP threads that spin take the cores from whoever else computes here: 2 to 4 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        app()
    except AutointerpError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(error.exit_code) from None
    except SystemExit as stop:
        # Typer turns Ctrl-C into this code without a word.
        if stop.code == INTERRUPTED:
            print("\ninterrupted; what was finished is kept. Go on with the same command.", file=sys.stderr)  # noqa: T201
        raise


def say(text: str = "") -> None:
    """Print a line of the answer."""
    typer.echo(text)


def answer(value: Any, text: str, *, as_json: bool) -> None:
    """Print the answer as JSON or as text."""
    say(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str) if as_json else text)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str, int, int, str], None]]:
    """Yield a function that shows each stage's line on stderr: what, n of N, rate, time left."""
    from autointerp.terminal import StageLines

    lines = StageLines(quiet=quiet)
    try:
        yield lines.show
    finally:
        lines.close()


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        say(f"autointerp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Labels for the features of sparse dictionaries, and how far each can be trusted."""


# ---- running


def _carry_out(config: Any, *, home: Path, plain: bool, last: str, show: Callable[[str, int, int, str], None]) -> Any:
    """Carry out the stages up to *last* (all if empty), by Prefect or by a plain loop."""
    if plain:
        from flows.plain import carry_out

        return carry_out(config, home=home, on_progress=show, last=last)
    from flows.evaluate import run_with_prefect

    return run_with_prefect(config, home=home, on_progress=show, last=last)


def _run_all(config_path: Path | None, *, home: Path, plain: bool, only: str, as_json: bool, name: str = "") -> None:
    """Carry out the stages up to *only* (all if empty), then write the report."""
    from autointerp.pipeline.driver import load_config

    config = load_config(config_path, name=name)
    with progress(quiet=as_json) as show:
        outcome = _carry_out(config, home=home, plain=plain, last=only, show=show)
    answer(outcome.as_dict(), outcome.text(), as_json=as_json)
    if outcome.n_unfinished:
        msg = f"{outcome.n_unfinished} questions had no reply; the same command asks them again"
        raise Incomplete(msg)


@app.command()
def demo(home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False) -> None:
    """Run everything on a real model, offline, and write a report."""
    _run_all(None, home=home, plain=plain, only="", as_json=as_json)


@app.command()
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,
    name: Annotated[str, typer.Option(help="Instead of the configuration's name.")] = "",
    plain: Plain = False,
    as_json: AsJson = False,
) -> None:
    """Harvest, label, score and report; run it again to resume."""
    _run_all(config, home=home, plain=plain, only="", as_json=as_json, name=name)


@app.command()
def harvest(
    config: ConfigFile = DEFAULT_CONFIG, home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Only read the text and keep activations and evidence."""
    _run_all(config, home=home, plain=plain, only="evidence", as_json=as_json)


@app.command()
def explain(
    config: ConfigFile = DEFAULT_CONFIG, home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Go as far as the labels, without scoring them."""
    _run_all(config, home=home, plain=plain, only="explain", as_json=as_json)


@app.command()
def score(
    config: ConfigFile = DEFAULT_CONFIG, home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False
) -> None:
    """Go as far as the scores."""
    _run_all(config, home=home, plain=plain, only="score", as_json=as_json)


@app.command()
def retry(name: RunName = "", home: Home = DEFAULT_HOME, plain: Plain = False, as_json: AsJson = False) -> None:
    """Ask again what failed in a run; everything answered is kept."""
    from autointerp.pipeline.driver import config_of, find_run, forget_failed

    folder = find_run(home, name)
    config = config_of(folder)
    forgotten = forget_failed(folder)
    if not forgotten:
        answer({"retried": 0, "run": str(folder)}, f"{folder}: nothing failed", as_json=as_json)
        return
    with progress(quiet=as_json) as show:
        outcome = _carry_out(config, home=home, plain=plain, last="", show=show)
    answer({"retried": forgotten, **outcome.as_dict()}, outcome.text(), as_json=as_json)


@app.command()
def train(
    config: ConfigFile,
    into: Annotated[Path, typer.Option(help="Folder of the ladder.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Train a ladder of dictionaries on activations harvested here; run it again to resume."""
    import shlex

    from autointerp.pipeline.config import parse_train_config, read_toml
    from autointerp.pipeline.training import train_ladder

    checked = parse_train_config(read_toml(config), source=str(config))
    with progress(quiet=as_json) as show:
        folder = train_ladder(
            checked, home=home, folder=into, command=shlex.join(["autointerp", *sys.argv[1:]]), on_progress=show
        )
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    lines = [
        f"{name}: L0 {q['l0']:.1f} · variance explained {q['fraction_variance_explained']:.3f} · "
        f"cross-entropy recovered {q['fraction_ce_recovered']:.3f} · alive {q['alive_share']:.3f}"
        for name, q in manifest["dictionaries"].items()
    ]
    answer(manifest, "\n".join([*lines, f"written to {folder}"]), as_json=as_json)


@app.command()
def certify(
    config: ConfigFile = DEFAULT_CONFIG,
    judge: Annotated[str, typer.Option(help="provider:model, oracle:sensitivity=0.8,specificity=0.8, …")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Test a judge on features whose truth is known; exit code 0 whatever the verdict."""
    from autointerp.pipeline.driver import certify_one, load_config

    checked = load_config(config if config.exists() or config != DEFAULT_CONFIG else None)
    with progress(quiet=as_json) as show:
        result = certify_one(checked, judge or checked.score.judge, home=home, on_progress=show)
    answer(result.as_dict(), result.text(), as_json=as_json)


# ---- looking


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Write a configuration to start from: the demo's, every setting with a word of explanation."""
    from autointerp.pipeline.driver import write_example

    write_example(path)
    answer({"written": str(path)}, f"wrote {path}; look at it, then: autointerp plan {path}", as_json=as_json)


@app.command()
def plan(
    config: ConfigFile = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,  # noqa: ARG001 (every verb that knows a configuration takes it)
    as_json: AsJson = False,
) -> None:
    """Say what a run would ask and read; spends nothing."""
    from autointerp.pipeline.driver import load_config, plan_run

    planned = plan_run(load_config(config))
    answer(planned.as_dict(), planned.text(), as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check this machine: packages, the demo's model, keys in the environment, disk."""
    from autointerp.pipeline.doctor import examine

    checks = examine()
    answer([c.as_dict() for c in checks], "\n".join(c.text() for c in checks), as_json=as_json)
    if any(c.is_needed and not c.is_fine for c in checks):
        raise typer.Exit(3)


@app.command()
def status(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Say how far a run is."""
    from autointerp.pipeline.driver import find_run, status_of_run

    state = status_of_run(find_run(home, name))
    answer(state.as_dict(), state.text(), as_json=as_json)


@app.command()
def report(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Write a run's report again: HTML, Markdown and CSV."""
    from autointerp.pipeline.driver import find_run
    from autointerp.report.write import write_report

    path = write_report(find_run(home, name))
    answer({"report": str(path)}, str(path), as_json=as_json)


@runs_app.command("list")
def runs_list(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the runs, the newest first."""
    from autointerp.pipeline.driver import list_runs, status_of_run

    states = [status_of_run(folder) for folder in list_runs(home)]
    answer([s.as_dict() for s in states], "\n".join(s.line() for s in states) or "no runs yet", as_json=as_json)


@runs_app.command("show")
def runs_show(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a run's manifest."""
    from autointerp.pipeline.driver import find_run
    from autointerp.store.manifest import read_manifest

    manifest = read_manifest(find_run(home, name))
    answer(manifest, json.dumps(manifest, indent=1, ensure_ascii=False), as_json=as_json)


@features_app.command("list")
def features_list(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List a run's labelled features with their labels and scores."""
    from autointerp.pipeline.driver import find_run
    from autointerp.pipeline.looking import feature_lines

    lines = feature_lines(find_run(home, name))
    answer([line.as_dict() for line in lines], "\n".join(line.text() for line in lines), as_json=as_json)


@features_app.command("show")
def features_show(
    feature: Annotated[str, typer.Argument(help="family/width#index")],
    name: Annotated[str, typer.Option("--run", help="The run; the newest if left out.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show one feature: labels, scores, windows with the activating tokens marked."""
    from autointerp.pipeline.driver import find_run
    from autointerp.pipeline.looking import feature_page

    page = feature_page(find_run(home, name), feature)
    answer(page.as_dict(), page.text(), as_json=as_json)
