"""The sections on method: every prompt in full as it was used, and what stands in which column of which table."""

from collections.abc import Iterator, Mapping

from autointerp.pipeline.shipped import load_prompts, shipped
from autointerp.report.blocks import Block, Folded, Prose, Source, Table
from autointerp.report.columns import COLUMNS, MEANINGS
from autointerp.report.grids import Grid
from autointerp.report.tables import READ, RunTables
from autointerp.store.schemas import TABLES

METHODS = (
    "Prompts in full, with holes where label and window stand; the version is a hash of the words. One that was "
    "changed since the run is named and not shown, as other words were used."
)


def method_blocks(run: RunTables) -> Iterator[Block]:
    """Yield the prompts of the scorers and explainers of the run."""
    used = run.manifest.get("prompts")
    if not isinstance(used, Mapping) or not used:
        yield Prose("No prompt is on record.")
        return
    yield Prose(METHODS)
    known = load_prompts()
    names = prompts_used(run, [str(name) for name in used])
    for name in names:
        version = str(used[name])
        if name in known and known[name].version == version:
            yield Source(f"Prompt {name}, version {version}", (shipped("prompts") / f"{name}.jinja").read_text("utf-8"))
        else:
            yield Prose(f"Prompt {name}, version {version}: not the one that is installed here.")


def prompts_used(run: RunTables, names: list[str]) -> list[str]:
    """Return the prompts whose version stands at a label, or whose scorer has a score; all where that says nothing."""
    manifest = run.manifest.get("prompts")
    versions = set(run["explanations"]["prompt_version"].astype(str))
    scorers = set(run["scores"]["scorer"].astype(str))
    used = manifest if isinstance(manifest, Mapping) else {}
    found = [n for n in names if str(used.get(n)) in versions or n.removesuffix("_compact") in scorers]
    return sorted(found or names)


def column_blocks() -> Iterator[Block]:
    """Yield the columns of every table a report is made from."""
    yield Prose(
        "The numbers of this report come from these tables, Parquet files in a folder each, in the folder of the run."
    )
    yield from (
        Folded(f"Table {table}", (Table(f"Table {table}", column_grid(table)),)) for table in (*READ, "training")
    )


def column_grid(table: str) -> Grid:
    """Return name, type, meaning and unit of each column, and whether a cell may be empty."""
    schema = TABLES[table]
    rows = tuple(
        (field.name, str(field.type), COLUMNS.get((table, field.name)) or MEANINGS[field.name], _empty(field.nullable))
        for field in schema
    )
    return Grid(("column", "type", "meaning and unit", "may be empty"), rows, 4)


def _empty(nullable: bool) -> str:
    return "yes" if nullable else "no"
