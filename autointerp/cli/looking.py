"""The verbs that look: at a configuration, this machine, runs and their features."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from autointerp.cli.app import (
    DEFAULT_CONFIG,
    DEFAULT_HOME,
    AsJson,
    ConfigFile,
    Home,
    RunName,
    answer,
    app,
    config_or_demo,
    features_app,
    progress,
    runs_app,
)
from autointerp.core.errors import ConfigError

ABOUT_CONCEPT = "Here is what is known about {concept}"


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
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say what a run would still ask, read and cost; spends nothing."""
    from autointerp.pipeline.driver import load_config
    from autointerp.pipeline.planning import plan_run

    planned = plan_run(load_config(config), home=home)
    answer(planned.as_dict(), planned.text(), as_json=as_json)


@app.command()
def doctor(
    judge: Annotated[str, typer.Option(help="Find out what this model can do instead: provider:model.")] = "",
    config: Annotated[Path, typer.Option(help="Where its server, limits and prices stand.")] = DEFAULT_CONFIG,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Check this machine: packages, the demo's model, keys in the environment, disk; or a judge."""
    if judge:
        _doctor_judge(judge, config, home=home, as_json=as_json)
        return
    from autointerp.pipeline.doctor import examine

    checks = examine()
    answer([c.as_dict() for c in checks], "\n".join(c.text() for c in checks), as_json=as_json)
    if any(c.is_needed and not c.is_fine for c in checks):
        raise typer.Exit(3)


def _doctor_judge(judge: str, config: Path, *, home: Path, as_json: bool) -> None:
    from autointerp.pipeline.probed import probe_judge

    probed = probe_judge(judge, config_or_demo(config), home=home)
    answer(probed.as_dict(), probed.text(), as_json=as_json)


@app.command()
def status(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Say how far a run is."""
    from autointerp.pipeline.finding import find_run
    from autointerp.pipeline.status import status_of_run

    state = status_of_run(find_run(home, name))
    answer(state.as_dict(), state.text(), as_json=as_json)


@app.command()
def report(
    names: Annotated[
        list[str] | None, typer.Argument(help="A run, the newest if left out; then others it is held against.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", "-f", help="html, md, csv, json, pdf (by chromium), text; several with commas.")
    ] = "html,md,csv",
    text: Annotated[bool, typer.Option("--text/--no-text", help="Whether text of the corpus may be in it.")] = True,
    dashboard: Annotated[
        str, typer.Option(metavar="URL", help="Marks of pictures link to this dashboard: what `serve` prints.")
    ] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Write a run's report again, into its folder; of several runs that of the first, held against the others."""
    import pyarrow as pa

    from autointerp.pipeline.finding import find_run
    from autointerp.report.write import write_formats

    # Of gigabytes that are read once and given back: with Arrow's own pool the whole report takes a sixth longer.
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    chosen = [word.strip() for word in formats.split(",") if word.strip()] or ["html"]
    run, *baselines = [find_run(home, name) for name in names or [""]]
    files = write_formats(run, chosen, with_text=text, baselines=baselines, dashboard=dashboard)
    value = {"report": str(files[0]), "files": [str(file) for file in files]}
    answer(value, "\n".join(value["files"]), as_json=as_json)


@runs_app.command("list")
def runs_list(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the runs, the newest first."""
    from autointerp.pipeline.finding import list_runs
    from autointerp.pipeline.status import status_of_run

    states = [status_of_run(folder) for folder in list_runs(home)]
    answer([s.as_dict() for s in states], "\n".join(s.line() for s in states) or "no runs yet", as_json=as_json)


@runs_app.command("show")
def runs_show(name: RunName = "", home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a run's manifest."""
    from autointerp.pipeline.finding import find_run
    from autointerp.store.manifest import read_manifest

    manifest = read_manifest(find_run(home, name))
    answer(manifest, json.dumps(manifest, indent=1, ensure_ascii=False), as_json=as_json)


@runs_app.command("costs")
def runs_costs(
    name: RunName = "",
    by: Annotated[str, typer.Option(help="stage, scorer, model, feature, or several with commas.")] = "stage,scorer",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Sum what a run's calls took: tokens, USD, answers from the store."""
    from autointerp.pipeline.costs import costs_of_run
    from autointerp.pipeline.finding import find_run

    costs = costs_of_run(find_run(home, name), [word.strip() for word in by.split(",") if word.strip()])
    answer(costs.as_dict(), costs.text(), as_json=as_json)


@features_app.command("list")
def features_list(
    name: RunName = "",
    where: Annotated[str, typer.Option(help="Only these: 'detection<0.6 label:\"refus*\" sort:-fuzzing'.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List a run's labelled features with their labels and scores."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.listing import feature_lines

    folder = find_run(home, name)
    lines = feature_lines(folder)
    if where:
        from autointerp.dashboard.choosing import chosen_lines

        lines = chosen_lines(lines, folder, where)
    answer([line.as_dict() for line in lines], "\n".join(line.text() for line in lines), as_json=as_json)


@features_app.command("show")
def features_show(
    feature: Annotated[str, typer.Argument(help="family/width#index")],
    name: Annotated[str, typer.Option("--run", help="The run; the newest if left out.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what can be relied on of one feature and why: labels, scores, windows, the judge's mistakes."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.feature import feature_page
    from autointerp.report.terminal import page_text

    page = feature_page(find_run(home, name), feature)
    answer(page.as_dict(), page_text(page), as_json=as_json)


@features_app.command("concepts")
def features_concepts(
    name: RunName = "",
    concepts: Annotated[
        Path | None, typer.Option(help="A file with a word or phrase a line; else words drawn.")
    ] = None,
    n: Annotated[int, typer.Option(min=2, help="How many words of the text are drawn where no file is given.")] = 200,
    prompt: Annotated[str, typer.Option(help="Put to the subject; ends with {concept}.")] = ABOUT_CONCEPT,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Which concepts have a feature, against how often they are written: f50 of each dictionary, with a control."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.surveyed import CAUTION, RULE, survey_run

    try:
        lines = concepts.read_text("utf-8").splitlines() if concepts else []
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{concepts} cannot be read ({error}); give a text file, UTF-8, with a word or phrase a line"
        raise ConfigError(msg) from None
    named = [line for line in lines if line.strip() and not line.startswith("#")]
    found = survey_run(find_run(home, name), named, n_words=n, prompt=prompt)
    text = "\n\n".join([*(survey.text() for survey in found), f"{RULE} {CAUTION}"])
    answer([survey.as_dict() for survey in found], text, as_json=as_json)


@features_app.command("match")
def features_match(
    name: RunName = "",
    narrow: Annotated[str, typer.Option(help="A dictionary, family/width; with --wide, instead of all widths.")] = "",
    wide: Annotated[str, typer.Option(help="The one it is matched with: wider, or of another seed.")] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Match features across widths: what was split, absorbed, new or lost, and what that does to scores."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.matched import match_run

    found = match_run(find_run(home, name), narrow=narrow, wide=wide)
    answer([m.as_dict() for m in found], "\n\n".join(m.text() for m in found), as_json=as_json)


@features_app.command("neurons")
def features_neurons(
    name: RunName = "",
    dictionary: Annotated[str, typer.Option(help="One dictionary, family/width, instead of all.")] = "",
    tokens: Annotated[int, typer.Option(min=1, help="At most so many tokens of the harvest's pool are read.")] = 20_000,
    min_firings: Annotated[int, typer.Option(min=2, help="With fewer on them a feature is counted apart.")] = 10,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Compare features with the neurons before them: is any single neuron as good as the feature?"""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.neurons import found_against_neurons

    with progress() as show:
        found = found_against_neurons(
            find_run(home, name), dictionary=dictionary, n_tokens=tokens, min_firings=min_firings, on_progress=show
        )
    answer(found.as_dict(), found.text(), as_json=as_json)


@features_app.command("map")
def features_map(
    name: RunName = "",
    dictionary: Annotated[str, typer.Option(help="One dictionary, family/width, instead of all.")] = "",
    most: Annotated[
        int, typer.Option(min=1, max=5_000, help="Features of a dictionary, the drawn ones first.")
    ] = 2_000,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Place features in the plane, near where their decoder directions are near; report and dashboard draw it."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.mapped import map_run, maps_text

    with progress() as show:
        found = map_run(find_run(home, name), dictionary=dictionary, most=most, on_progress=show)
    answer([one.as_dict() for one in found], maps_text(found), as_json=as_json)
