"""``autointerp gate``: a run held against its baseline, measured again before it fails."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.drift import JudgeAlarm
from autointerp.analysis.names import by_name
from autointerp.analysis.paired import whole
from autointerp.analysis.values import feature_values, headlines_as_strings, is_main
from autointerp.analysis.watching import EXIT_CODES, Check, Measured, Rules, Verdict, confirmed, decide, hold
from autointerp.core.errors import AutointerpError
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.notifying import CALM, Notice, notify
from autointerp.pipeline.remeasuring import Remeasured, remeasure
from autointerp.pipeline.run import OnProgress, ignore_progress
from autointerp.pipeline.watch_config import GateSection
from autointerp.report.compared import Compared, Side, compare_sides, read_side
from autointerp.report.drifted import alarm_against
from autointerp.report.text import visible
from autointerp.store.parts import read_table

SHOWN = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "open"}


@dataclass(frozen=True, slots=True)
class Gated:
    """What a run comes to beside its baseline: one verdict, of which text, JSON and exit code are made.

    ``remeasured``: what came of asking again, or why nobody was asked; "" where nothing failed that could.
    """

    run: str
    baseline: str
    verdict: Verdict
    checks: tuple[Check, ...]
    attribution: str
    remeasured: str

    @property
    def exit_code(self) -> int:
        """0 pass, 10 fail, 7 inconclusive."""
        return EXIT_CODES[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"exit_code": self.exit_code}

    def text(self) -> str:
        head = f"{self.verdict.value}: {self.run} against {self.baseline}"
        lines = [f"  {SHOWN[c.verdict]}  {c.rule}: {c.text}" for c in self.checks]
        more = [self.attribution] if any(c.verdict is not Verdict.PASS for c in self.checks) else []
        return visible("\n".join([head, *lines, *filter(None, [self.remeasured]), *more]))


def gate(
    run: Path, baseline: Path, *, rules: GateSection | None = None, on_progress: OnProgress = ignore_progress
) -> Gated:
    """Return the verdict on a finished run.

    Args:
        run: Its folder; its siblings' anchors tell whether the judge drifts.
        baseline: The folder of the run it is held against.
        rules: The table ``[gate]``; the run's own where left out.
        on_progress: Told of answers, where something is asked again.

    Raises:
        StoreError: One of them is no run, or damaged.
    """
    kept = Rules(**(rules or config_of(run).gate).model_dump())
    a, b = read_side(baseline), read_side(run)
    alarm, n_anchored = alarm_against(run, baseline)
    compared = compare_sides(a, b, alarm=alarm.text() if alarm else "")
    checks = hold(kept, _measured(compared, a, b, kept, alarm, n_anchored))
    asked, again = _ask_again(run, a, b, checks, kept, on_progress)
    if again is not None:
        second = compare_sides(a, again, alarm=alarm.text() if alarm else "")
        checks = confirmed(checks, hold(kept, _measured(second, a, again, kept, alarm, n_anchored)))
    return Gated(run.name, baseline.name, decide(checks), checks, compared.attribution, asked)


def _ask_again(
    run: Path, a: Side, b: Side, checks: Sequence[Check], rules: Rules, on_progress: OnProgress
) -> tuple[str, Side | None]:
    """Return what is to be said of a second measurement, and run b as it came out then."""
    scorers = sorted({c.scorer for c in checks if c.verdict is Verdict.FAIL and c.is_noisy})
    if not scorers:
        return "", None
    if not rules.remeasure:
        return "not measured again: remeasure = false", None
    try:
        found = remeasure(run, scorers, repeat=f"{b.name} against {a.name}", on_progress=on_progress)
    except AutointerpError as error:
        return f"not measured again: {error}", None
    return f"measured again, asked afresh: {', '.join(found.scorers)}", _remeasured_side(run, b, found)


def _remeasured_side(run: Path, b: Side, found: Remeasured) -> Side:
    """Return run b with the scores and predictions of its second measurement, of those scorers alone."""
    explanations = read_table(run, "explanations")
    values = feature_values(found.scores, explanations)
    writers = explanations[["explanation", "explainer"]].drop_duplicates("explanation")
    return replace(
        b,
        scores=found.scores.merge(writers, on="explanation", how="left"),
        values=headlines_as_strings(values),
        predictions=found.predictions.merge(writers, on="explanation", how="left"),
    )


def _measured(
    compared: Compared, a: Side, b: Side, rules: Rules, alarm: JudgeAlarm | None, n_anchored: int
) -> Measured:
    return Measured(
        paired=tuple(p for p in whole(compared.paired) if is_main(p.scorer, p.variant, p.metric)),
        flips=compared.flips,
        floors=compared.floors,
        systems_a=_systems(a),
        systems_b=_systems(b),
        watched=pd.concat(
            [_watched(side, rules.watched).assign(run=which) for which, side in (("a", a), ("b", b))], ignore_index=True
        ),
        alarm=alarm.text() if alarm else "",
        n_anchored=n_anchored,
    )


def _systems(side: Side) -> tuple[str, ...]:
    """Return the judge as configured, and what answered in its name; empty where no call is on record."""
    judge = str(side.manifest.get("config", {}).get("score", {}).get("judge", ""))
    return tuple(dict.fromkeys((judge, *side.fingerprints))) if side.fingerprints else ()


def _watched(side: Side, features: Sequence[str]) -> pd.DataFrame:
    """Return the main scores of the watched features' own labels."""
    rows = side.scores[side.scores["control"] == "none"]
    names = rows["dictionary"].astype(str) + "#" + rows["feature"].astype(str)
    rows = rows[names.isin(features) & rows["explainer"].notna()]
    return rows[by_name(is_main, rows, ["scorer", "variant", "metric"])]


# ---- telling


def tell(home: Path, baseline: str, run: Path, gated: Gated) -> str:
    """Tell the webhook of a change of state, and return what became of it; "" where none is set."""
    problems = [c for c in gated.checks if c.verdict is not Verdict.PASS]
    state = " ".join([gated.verdict.value, *sorted({c.rule for c in problems if c.verdict is gated.verdict})])
    notice = Notice(
        watch=f"gate {baseline}",
        state=state if gated.verdict is not Verdict.PASS else CALM,
        run=gated.run,
        baseline=f"{baseline} ({gated.baseline})",
        verdict=gated.verdict.value,
        problems=[visible(f"{c.rule}: {c.text}", keep="") for c in problems],
        labels=_labels_of(run, problems),
    )
    return notify(home, notice)


def _labels_of(run: Path, problems: Sequence[Check]) -> dict[str, str]:
    """Return the labels of the watched features that did not pass."""
    named = {c.about.split(" ")[0] for c in problems if c.rule == "watched"}
    if not named:
        return {}
    rows = read_table(run, "explanations", columns=["dictionary", "feature", "explainer", "text"])
    own = rows[~rows["explainer"].astype(str).str.startswith("control:")]
    found = {f"{d}#{f}": str(text) for d, f, _, text in own.itertuples(index=False)}
    return {name: visible(text, keep="") for name, text in found.items() if name in named}
