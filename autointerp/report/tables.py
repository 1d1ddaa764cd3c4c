"""A run's tables in memory: what every page, chart and export is made from."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.coverage import with_outcomes
from autointerp.analysis.names import with_categories
from autointerp.analysis.values import feature_values
from autointerp.llm.sent import Sent, possibly_paid
from autointerp.store.manifest import read_manifest
from autointerp.store.parts import read_table
from autointerp.store.places import cache_of
from autointerp.store.schemas import TABLES

READ = (
    "dictionaries", "features", "evidence", "explanations", "predictions", "scores", "failures", "calls",
    "certificates", "ratings", "matches", "concepts", "neurons", "neighbourhoods",
)  # fmt: skip
"""The tables a report needs; the harvest's (contexts, activations) are too large and not among them."""

NAMES = {
    "features": ("dictionary", "status"),
    "explanations": ("dictionary", "explainer", "model", "prompt_version", "kind"),
    "scores": ("dictionary", "scorer", "variant", "judge", "control", "metric", "status", "reason"),
}
"""Columns of names, which a report holds as categories."""

UNREAD = {"features": {"histogram", "token_stats", "promoted", "suppressed"}, "evidence": {"token_ids"}}
"""Columns no page shows; a run of thousands of features holds most of its bytes in them."""


@dataclass(frozen=True, slots=True)
class RunTables:
    """Frames by table name, and the manifest. A table nobody wrote is there and empty.

    ``sent``: calls of all runs of the home that may have been paid for without an answer.
    """

    tables: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()

    def __getitem__(self, table: str) -> pd.DataFrame:
        found = self.tables.get(table)
        return empty_table(table) if found is None else found

    @property
    def explainers(self) -> tuple[str, ...]:
        """The explainers of the configuration, in its order: one of them may not have written a single label."""
        names = self._configured("explain", "explainers")
        return tuple(map(str, names)) if isinstance(names, list | tuple) else ()

    @property
    def narrow_first(self) -> list[str]:
        """The dictionaries by width, then by name, each once."""
        ordered = self["dictionaries"].sort_values(["width", "dictionary"])
        return list(dict.fromkeys(map(str, ordered["dictionary"])))

    def place_of(self, dictionary: object) -> tuple[int, str]:
        """Return what sorts dictionaries by width, those that are not on record last."""
        order = self.narrow_first
        return (order.index(str(dictionary)) if dictionary in order else len(order), str(dictionary))

    @property
    def is_named(self) -> bool:
        """Whether the features were named in the configuration instead of drawn."""
        return bool(self._configured("features", "only"))

    @property
    def same_family(self) -> bool | None:
        """Whether the model that wrote labels is of the judge's family; None = unknown, or no model wrote any."""
        flag = self.manifest.get("same_family")
        return flag if isinstance(flag, bool) and not self.writes_without_model else None

    @property
    def writes_without_model(self) -> bool:
        """Whether labels were written, and none of them by a language model."""
        labels = self["explanations"]
        own = labels[~labels["explainer"].astype(str).str.startswith("control:")]
        # An explainer without a model stands as its own model.
        return len(own) > 0 and bool(own["model"].isin(["", *own["explainer"].unique()]).all())

    def _configured(self, section: str, name: str) -> object:
        config = self.manifest.get("config")
        found = config.get(section) if isinstance(config, Mapping) else None
        return found.get(name) if isinstance(found, Mapping) else None


def values_of(run: RunTables) -> pd.DataFrame:
    """Return one value a feature, measure and control of a run, as ``feature_values`` has them."""
    return feature_values(run["scores"], run["explanations"], explainers=run.explainers)


def empty_table(table: str) -> pd.DataFrame:
    """Return the table without rows: its columns, with their types."""
    frame: pd.DataFrame = TABLES[table].empty_table().to_pandas()
    return frame


def load_run(path: Path) -> RunTables:
    """Return the tables and the manifest of the run in the folder *path*.

    Raises:
        StoreError: It is not the folder of a run, or a part is damaged; the message says what to do.
    """
    manifest = read_manifest(path)
    tables = {
        table: read_table(path, table, columns=_columns(table), categories=NAMES.get(table, ())) for table in READ
    }
    tables["training"] = _training(manifest)
    sent = tuple(possibly_paid(cache_of(path.absolute().parents[1]) / "sent"))
    tables["features"] = with_outcomes(tables["features"], tables["scores"])
    return named(RunTables(tables, manifest, sent))


def named(run: RunTables) -> RunTables:
    """Return the run with its columns of names as categories."""
    tables = {table: with_categories(frame, NAMES.get(table, ())) for table, frame in run.tables.items()}
    return replace(run, tables=tables)


def _training(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Return what is on record of how the dictionaries were trained, beside the ladder they are read from."""
    config = manifest.get("config")
    named = config.get("dictionaries") if isinstance(config, Mapping) else None
    folders = [folder for name in named or () if isinstance(name, str) for folder in (Path(name), Path(name).parent)]
    found = [read_table(folder, "training") for folder in dict.fromkeys(folders) if (folder / "training").is_dir()]
    return pd.concat(found, ignore_index=True).drop_duplicates() if found else empty_table("training")


def _columns(table: str) -> list[str]:
    return [name for name in TABLES[table].names if name not in UNREAD.get(table, set())]


def rows_of(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the rows as pandas' ``to_dict("records")`` does, some times as fast where there are only dozens."""
    names = list(frame.columns)
    return [dict(zip(names, row, strict=True)) for row in frame.to_numpy(dtype=object).tolist()]


def known_number(cell: Any) -> float | None:
    """Return a cell of a table as a number, None where it is empty."""
    return None if cell is None or pd.isna(cell) else float(cell)
