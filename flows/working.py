"""The work of a deployment: which stages its flow carries out, in which run, and what it came to."""

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autointerp.pipeline.attending import Attendant, Done, Inputs, Look
from autointerp.pipeline.config import Config
from autointerp.pipeline.driver import Outcome, load_config
from autointerp.pipeline.firings import Firing, stamp
from autointerp.pipeline.ledger import spent_by
from autointerp.pipeline.run import OnProgress, ignore_progress
from autointerp.pipeline.schedules import Deployment, FlowsFile, read_flows
from autointerp.pipeline.unchanged import inputs_of, models_of

SLOT_KEPT_S = 60.0
"""So long after its holder was killed a slot of a provider stays taken."""


@dataclass(frozen=True)
class FlowWork:
    """What a deployment does when it is due. ``plain``: without Prefect, and then without limits of providers."""

    rule: Deployment
    limits: dict[str, int]
    home: Path
    on_progress: OnProgress = ignore_progress
    plain: bool = False

    def inputs(self) -> Inputs:
        """Return what decides the result today; of flows without configuration nothing does."""
        return inputs_of(load_config(Path(self.rule.config)), self.home) if self.rule.config else Inputs("")

    def carry_out(self, firing: Firing, look: Look) -> Done:
        """Do it, and return what it came to."""
        if not self.rule.config:
            return self._snapshot() if self.rule.flow == "snapshot" else self._report()
        config, held = self.config_of(firing), self._baseline()
        with self._slots(config):
            outcome = self._run(config, look)
            done = _done(outcome)
            return self._gated(done, outcome.run, held) if held and not done.n_unfinished else done

    def config_of(self, firing: Firing) -> Config:
        """Return the configuration, its run named by the firing's moment where every firing has one of its own."""
        path = Path(self.rule.config)
        config = load_config(path)
        return load_config(path, name=f"{config.name}-{stamp(firing.moment)}") if self.rule.fresh else config

    def _run(self, config: Config, look: Look) -> Outcome:
        def on_progress(stage: str, done: int, total: int, unit: str) -> None:
            look()
            self.on_progress(stage, done, total, unit)

        if self.plain:
            from flows.plain import carry_out

            return carry_out(config, home=self.home, on_progress=on_progress, last=self.rule.last)
        from flows.evaluate import run_with_prefect

        return run_with_prefect(config, home=self.home, on_progress=on_progress, last=self.rule.last)

    def _slots(self, config: Config) -> AbstractContextManager[Any]:
        """Hold a slot of each provider that the configuration asks and the file limits, as long as the flow takes."""
        providers = {name.partition(":")[0] for name in models_of(config)}
        names = [limit_name(provider) for provider in sorted(providers & set(self.limits))]
        if self.plain or not names:
            return nullcontext()
        from prefect.concurrency.sync import concurrency

        slots: AbstractContextManager[None] = concurrency(
            names, lease_duration=SLOT_KEPT_S, raise_on_lease_renewal_failure=False
        )
        return slots

    def _baseline(self) -> Path | None:
        """Return the run that this one will be held against. Raises ConfigError, before anything is spent."""
        from autointerp.pipeline.baselining import find_baseline, run_of_baseline

        name = self.rule.baseline
        return run_of_baseline(self.home, find_baseline(self.home, name)) if name else None

    def _gated(self, done: Done, run: Path, held: Path) -> Done:
        """Return what was done with the verdict against its baseline; the webhook is told of a change."""
        from autointerp.report.gated import gate, tell

        gated = gate(run, held, on_progress=self.on_progress)
        told = tell(self.home, self.rule.baseline, run, gated)
        text = " · ".join(filter(None, [done.text, f"gate {gated.verdict.value}", told]))
        return replace(done, text=text, gate=gated.verdict.value)

    def _snapshot(self) -> Done:
        from autointerp.dashboard.building import build_snapshot

        return Done(text=f"snapshot {build_snapshot(self.home).name}")

    def _report(self) -> Done:
        from autointerp.pipeline.finding import find_run
        from autointerp.report.write import write_report

        folder = find_run(self.home, self.rule.run)
        return Done(folder.name, f"report {write_report(folder)}")


def limit_name(provider: str) -> str:
    """Return the name of Prefect's global concurrency limit for a provider."""
    return f"autointerp-{provider}"


def _done(outcome: Outcome) -> Done:
    spent = spent_by(outcome.run)
    text = f"{outcome.n_scores} scores, {outcome.n_unscored} unscored, {outcome.n_failures} failures"
    return Done(outcome.run.name, text, outcome.n_unfinished, usd=spent.usd, tokens=spent.tokens)


def attendant_of(file: Path, name: str, *, home: Path, **how: Any) -> Attendant:
    """Return who does what is due of a deployment of a file. Raises ConfigError."""
    flows: FlowsFile = read_flows(file)
    rule = flows.named(name)
    return Attendant(rule, home, str(file.absolute()), FlowWork(rule, flows.limits, home, **how))


def tell(firing: Firing) -> None:
    """Say on stderr what became of a firing."""
    sys.stderr.write(firing.line() + "\n")
    sys.stderr.flush()
