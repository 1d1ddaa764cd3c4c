"""The main path: harvest, evidence, certify, explain, score. Each stage reads what the earlier ones wrote.

Every stage is a list of chunks; a chunk writes its parts and is skipped when they stand. So resuming
is running again, and a flow engine needs to know nothing but ``chunks`` and ``do``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autointerp.core.draws import draw
from autointerp.core.protocols import LLM, Explainer, Scorer
from autointerp.core.types import (
    Evidence,
    Explanation,
    Failure,
    FeatureId,
    Labelled,
    Prediction,
    Question,
    Reason,
    Reply,
    Score,
)
from autointerp.explain import EXPLAINERS
from autointerp.explain import PROMPTS as EXPLAIN_PROMPTS
from autointerp.llm.gather import answer_all
from autointerp.pipeline import evidence as ev
from autointerp.pipeline import harvesting
from autointerp.pipeline.run import Run
from autointerp.score import SCORERS, prompt_of
from autointerp.score.lookup import lookup_label, predict_by_lookup
from autointerp.store.convert import (
    call_row,
    evidence_from,
    evidence_rows,
    explanation_from,
    explanation_row,
    failure_row,
    feature_fields,
    prediction_row,
    rows_of,
    score_row,
)
from autointerp.store.manifest import write_manifest
from autointerp.store.parts import has_part, read_part, read_table, write_part
from autointerp.trust.controls import blank_explanation, shuffled_explanation

CHUNK_FEATURES = 256


# ---- harvest


def harvest_chunks(run: Run) -> list[str]:
    """Return the shards still to be harvested; none when the harvest is complete."""
    if (run.harvest_folder / "manifest.json").exists():
        return []
    shards = text_plan(run).shards(run.config.harvest.shard_contexts)
    return [str(n) for n in range(len(shards)) if not harvesting.is_shard_done(run.harvest_folder, n)]


def text_plan(run: Run) -> harvesting.TextPlan:
    """Return the text this run reads, planned once."""
    if "text_plan" not in vars(run):
        vars(run)["text_plan"] = harvesting.plan_text(run.subject, run.config, run.dictionaries)
    return vars(run)["text_plan"]  # type: ignore[no-any-return]


def max_norm(run: Run) -> float:
    """Return the norm above which tokens are left out, decided once."""
    if "max_norm" not in vars(run):
        vars(run)["max_norm"] = harvesting.norm_limit(run.subject, run.site, text_plan(run), run.dictionaries)
    return float(vars(run)["max_norm"])


def harvest_chunk(run: Run, chunk: str) -> None:
    """Harvest one shard of text for all dictionaries."""
    plan, size = text_plan(run), run.config.harvest.shard_contexts
    shards = plan.shards(size)
    harvesting.write_shard(
        run.harvest_folder,
        int(chunk),
        shards[int(chunk)],
        subject=run.subject,
        site=run.site,
        dictionaries=run.dictionaries,
        max_norm=max_norm(run),
        seed=run.config.seed,
    )
    done = sum(len(c.token_ids) for shard in shards[: int(chunk) + 1] for _, c in shard)
    run.on_progress("harvest", done, plan.n_tokens, "tokens")


def finish_harvest(run: Run) -> None:
    """Mark the harvest as complete: its manifest is written last."""
    if (run.harvest_folder / "manifest.json").exists():
        return
    plan = text_plan(run)
    write_manifest(
        run.harvest_folder,
        {
            "subject": run.config.subject,
            "subject_sha256": run.subject.sha256,
            "site": str(run.site),
            "dictionaries": {d.name: d.sha256 for d in run.dictionaries},
            "corpus": list(run.config.corpus),
            "n_documents": plan.n_documents,
            "n_documents_trained_on_left_out": plan.n_trained_on,
            "n_documents_too_short": plan.n_too_short,
            "n_contexts": len(plan.contexts),
            "n_tokens": plan.n_tokens,
            "max_norm": max_norm(run),
        },
    )


# ---- evidence


def evidence_chunks(run: Run) -> list[str]:
    """Return the dictionaries whose features are still to be measured and sampled."""
    return [d.name for d in run.dictionaries if not has_part(run.directory, "features", d.name)]


def evidence_chunk(run: Run, chunk: str) -> None:
    """Measure every feature of one dictionary and sample the drawn ones' windows."""
    dictionary = next(d for d in run.dictionaries if d.name == chunk)
    text = text_of(run)
    stats = _stats(run)[chunk]
    eligible = ev.eligible_features(
        stats, min_held_out=run.config.features.min_held_out, min_shown=run.config.features.min_shown
    )
    drawn = draw_features(run, chunk, [int(i) for i in eligible])
    built = _build(run, dictionary, text, stats, drawn)
    rows = [row for e in built for row in evidence_rows(e, _token_ids(text, e))]
    write_part(run.directory, "evidence", chunk, rows)
    write_part(run.directory, "dictionaries", chunk, [_dictionary_row(run, dictionary)])
    status = ev.status_of(stats, [int(i) for i in eligible], drawn)
    write_part(run.directory, "features", chunk, _feature_rows(chunk, stats, built, status))
    done = len(run.dictionaries) - len(evidence_chunks(run))
    run.on_progress("evidence", done, len(run.dictionaries), "dictionaries")


def draw_features(run: Run, dictionary: str, eligible: Sequence[int]) -> list[int]:
    """Return the features to label: those named in the configuration, else a keyed draw of the eligible ones."""
    named = [FeatureId.parse(name) for name in run.config.features.only]
    if named:
        return sorted({f.index for f in named if f.dictionary == dictionary})
    n = run.config.features.n_per_dictionary
    return sorted(draw(eligible, n, seed=run.config.seed, key=lambda i: f"{dictionary}#{i}"))


def text_of(run: Run) -> ev.Text:
    """Return the harvested text, read once."""
    if "text" not in vars(run):
        vars(run)["text"] = ev.read_text(run.harvest_folder, seed=run.config.seed)
    return vars(run)["text"]  # type: ignore[no-any-return]


def _stats(run: Run) -> dict[str, ev.FeatureStats]:
    if "stats" not in vars(run):
        widths = {d.name: d.n_features for d in run.dictionaries}
        vars(run)["stats"] = ev.measure_features(run.harvest_folder, text_of(run), widths)
    return vars(run)["stats"]  # type: ignore[no-any-return]


def _build(run: Run, dictionary: Any, text: ev.Text, stats: ev.FeatureStats, drawn: Sequence[int]) -> list[Evidence]:
    """Return the evidence of the drawn features of one dictionary."""
    from autointerp.subject.harvest import output_tokens

    filters = [("dictionary", "==", dictionary.name), ("feature", "in", list(drawn))]
    rows = read_table(run.harvest_folder, "activations", filters=filters)
    outputs = output_tokens(run.subject, dictionary, drawn)
    nothing = rows.iloc[:0]
    mine = dict(list(rows.groupby("feature")))
    return [
        ev.build_evidence(
            run.subject,
            text,
            FeatureId(dictionary.name, feature),
            mine.get(feature, nothing),
            stats,
            by_side=ev.quotas(run.config.evidence),
            outputs=outputs[feature],
            siblings=(),
        )
        for feature in drawn
    ]


def _token_ids(text: ev.Text, evidence: Evidence) -> dict[str, list[int]]:
    """Return the token ids of the evidence's windows by ``window.item``."""
    tile_at = text.tile_at
    samples = (*evidence.shown, *evidence.select, *evidence.held_out)
    return {s.window.item: text.ids(tile_at[s.window.doc, s.window.start]) for s in samples}


def _dictionary_row(run: Run, dictionary: Any) -> dict[str, Any]:
    known = dictionary.evaluation
    return {
        "dictionary": dictionary.name,
        "family": dictionary.family,
        "width": dictionary.n_features,
        "site": str(run.site),
        "subject": run.config.subject,
        "kind": dictionary.kind,
        "sha256": dictionary.sha256,
        "l0": known.get("l0"),
        "fraction_variance_explained": known.get("fraction_variance_explained"),
        "fraction_ce_recovered": known.get("fraction_ce_recovered"),
        "n_alive": known.get("n_alive"),
        "tokens_seen": known.get("tokens_seen", 0),
    }


def _feature_rows(
    name: str, stats: ev.FeatureStats, built: Sequence[Evidence], status: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row a feature of the dictionary; sampled ones also have tokens."""
    fields = {e.feature.index: feature_fields(e) for e in built}
    return [
        {
            "dictionary": name,
            "feature": index,
            "density": float(stats.density[index]),
            "window_density": float(stats.window_density[index]),
            "peak": float(stats.peak[index]),
            "n_held_out": int(stats.n_by_side[2, index]),
            "promoted": [],
            "suppressed": [],
            "token_stats": "[]",
            "n_shown_tokens": 0,
        }
        | fields.get(index, {})
        | {
            "n_windows": int(stats.n_by_side[:, index].sum()),
            "fraction_single_token": _single_token_share(fields[index]) if index in fields else None,
            "histogram_start": ev.FIRST_BIN,
            "histogram": stats.histogram[index].tolist(),
            "status": status[index],
        }
        for index in range(len(stats.peak))
    ]


def _single_token_share(fields: dict[str, Any]) -> float | None:
    """Return the share of shown firings that fall on the most frequent firing token."""
    from autointerp.store.convert import token_stats_from

    fired = [stat.fired for stat in token_stats_from(fields["token_stats"])]
    return max(fired) / sum(fired) if fired else None


def read_evidence(run: Run, chunk: str) -> list[Evidence]:
    """Return the evidence of one dictionary's drawn features, as stored."""
    features = read_part(run.directory, "features", chunk)
    frame = read_part(run.directory, "evidence", chunk)
    drawn = features[features["status"] == Reason.PENDING]
    return [evidence_from(frame, row) for row in rows_of(drawn)]


# ---- asking


@dataclass(frozen=True)
class Asked:
    """Questions with what came back, and the rows to keep of it."""

    replies: list[Reply | Failure]

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [call_row(reply) for reply in self.replies if isinstance(reply, Reply)]

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [failure_row(reply) for reply in self.replies if isinstance(reply, Failure)]


def ask(run: Run, llm: LLM, questions: Sequence[Question], *, stage: str, done: int = 0, total: int = 0) -> Asked:
    """Put all questions to the model: the only place where the pipeline waits for one."""
    total = total or len(questions)
    n_answered = done

    def count(_reply: Reply | Failure) -> None:
        nonlocal n_answered
        n_answered += 1
        run.on_progress(stage, n_answered, max(total, n_answered), "answers")

    return Asked(asyncio.run(answer_all(llm, questions, run.config.score.at_once, count, stage=stage)))


# ---- explain


def explain_chunks(run: Run) -> list[str]:
    """Return the dictionaries whose labels are still to be written."""
    return [d.name for d in run.dictionaries if not has_part(run.directory, "explanations", d.name)]


def explainers_of(run: Run) -> list[Explainer]:
    """Return the configured explainers, the first of which the controls imitate."""
    made = []
    for name in run.config.explain.explainers:
        prompt = EXPLAIN_PROMPTS[name]
        made.append(EXPLAINERS[name](run.prompts[prompt] if prompt else None, run.explain_settings))
    return made


def explain_chunk(run: Run, chunk: str) -> None:
    """Write the labels of one dictionary's drawn features, and the controls' labels."""
    evidence = read_evidence(run, chunk)
    pairs = [(explainer, e, explainer.question(e)) for explainer in explainers_of(run) for e in evidence]
    questions = [question for _, _, question in pairs if question is not None]
    asked = ask(run, run.judge(run.config.explain.model), questions, stage="explain")
    replies = iter(asked.replies)
    outcomes: list[Explanation | Failure] = []
    for explainer, e, question in pairs:
        reply = next(replies) if question is not None else None
        outcomes.append(reply if isinstance(reply, Failure) else explainer.read(e, reply))
    failures = [failure_row(o) for o in outcomes if isinstance(o, Failure)]
    labels = [o for o in outcomes if isinstance(o, Explanation)]
    rows = [explanation_row(label) for label in [*labels, *_control_labels(run, evidence, labels)]]
    write_part(run.directory, "failures", f"explain-{chunk}", failures)
    write_part(run.directory, "calls", f"explain-{chunk}", asked.calls)
    write_part(run.directory, "explanations", chunk, rows)


def _control_labels(run: Run, evidence: Sequence[Evidence], labels: Sequence[Explanation]) -> list[Explanation]:
    """Return the blank and look-up labels of every feature; shuffled ones are other features' own."""
    del labels
    blank = [blank_explanation(e.feature) for e in evidence] if run.config.score.n_blank else []
    return blank + [lookup_label(e).explanation for e in evidence]


# ---- score


def score_chunks(run: Run) -> list[str]:
    """Return the dictionaries whose labels are still to be scored."""
    return [d.name for d in run.dictionaries if not has_part(run.directory, "scores", d.name)]


def scorers_of(run: Run) -> list[Scorer]:
    """Return the configured scorers."""
    made = []
    for name in run.config.score.scorers:
        prompt = prompt_of(name, run.score_settings)
        made.append(SCORERS[name](run.prompts[prompt] if prompt else None, run.score_settings))
    return made


@dataclass(frozen=True)
class Item:
    """One label of one feature under one scorer, with its questions."""

    scorer: Scorer
    evidence: Evidence
    labelled: Labelled
    questions: list[Question]


def labels_to_test(run: Run, chunk: str, evidence: Sequence[Evidence]) -> list[tuple[Evidence, Labelled]]:
    """Return every label to be judged with its evidence: real ones, other features' and the blank one."""
    stored = [explanation_from(row) for row in rows_of(read_part(run.directory, "explanations", chunk))]
    real = [e for e in stored if not e.explainer.startswith("control:")]
    first = run.config.explain.explainers[0]
    pool = {e.feature: e for e in real if e.explainer == first}
    densities = {e.feature: e.density for e in evidence}
    pairs = [(e, Labelled(label)) for e in evidence for label in real if label.feature == e.feature]
    for e in evidence:
        if e.feature not in pool:
            continue
        for number in range(run.config.score.n_shuffled):
            other = shuffled_explanation(e.feature, pool, densities, seed=run.config.seed, draw=number)
            if other is not None:
                pairs.append((e, Labelled(other, "shuffled", number)))
        pairs += [(e, Labelled(blank_explanation(e.feature), "blank", n)) for n in range(run.config.score.n_blank)]
    return pairs


def score_chunk(run: Run, chunk: str) -> None:
    """Put one dictionary's labels and controls to the judge and grade what it says."""
    evidence = read_evidence(run, chunk)
    items = [
        Item(scorer, e, labelled, scorer.questions(e, labelled))
        for e, labelled in labels_to_test(run, chunk, evidence)
        for scorer in scorers_of(run)
    ]
    asked = ask(run, run.judge(run.config.score.judge), [q for i in items for q in i.questions], stage="score")
    graded = grade_items(items, asked.replies, judge=run.config.score.judge)
    lookups = [
        (predictions, scorer.grade(e, predictions))
        for e in evidence
        for scorer in scorers_of(run)
        if (predictions := predict_by_lookup(scorer, e))
    ]
    predictions = [p for ps, _ in [*graded, *lookups] for p in ps]
    scores = [s for _, ss in [*graded, *lookups] for s in ss]
    scores += _never_labelled(run, chunk, evidence) + _never_explained(run, chunk)
    shuffled = [i.labelled.explanation for i in items if i.labelled.control == "shuffled"]
    write_part(run.directory, "explanations", f"{chunk}-shuffled", _unique_rows(shuffled))
    write_part(run.directory, "failures", f"score-{chunk}", asked.failures)
    write_part(run.directory, "calls", f"score-{chunk}", asked.calls)
    write_part(run.directory, "predictions", chunk, [prediction_row(p) for p in predictions])
    write_part(run.directory, "scores", chunk, [score_row(s) for s in scores])


def _unique_rows(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    return [explanation_row(e) for e in {e.key: e for e in explanations}.values()]


def grade_items(
    items: Sequence[Item], replies: Sequence[Reply | Failure], *, judge: str
) -> list[tuple[list[Prediction], tuple[Score, ...]]]:
    """Read every reply and grade every label: pure, so a better parser or metric runs on stored replies for free."""
    remaining = iter(replies)
    graded = []
    for item in items:
        predictions = [
            p for q in item.questions for p in item.scorer.read(item.evidence, item.labelled, judge, q, next(remaining))
        ]
        if predictions:
            graded.append((predictions, item.scorer.grade(item.evidence, predictions)))
        else:
            nothing = item.scorer.unscored(  # type: ignore[attr-defined]
                item.evidence,
                item.labelled,
                judge=judge,
                status=Reason.TOO_FEW_EXAMPLES,
                reason="too few held-out windows",
            )
            graded.append(([], nothing))
    return graded


def _never_labelled(run: Run, chunk: str, evidence: Sequence[Evidence]) -> list[Score]:
    """Return unscored rows for features of which an explainer gave no label."""
    failures = read_part(run.directory, "failures", f"explain-{chunk}")
    rows = []
    for e in evidence:
        for failure in rows_of(failures[failures["about"] == str(e.feature)]):
            for scorer in scorers_of(run):
                rows += scorer.unscored(  # type: ignore[attr-defined]
                    e,
                    None,
                    judge=run.config.score.judge,
                    status=Reason(failure["reason"]),
                    reason=str(failure["detail"]),
                )
    return rows


def _never_explained(run: Run, chunk: str) -> list[Score]:
    """Return unscored rows for features named in the configuration that are dead or too rare to be explained."""
    if not run.config.features.only:
        return []
    features, frame = (read_part(run.directory, table, chunk) for table in ("features", "evidence"))
    left_out = features[
        features["feature"].isin(draw_features(run, chunk, [])) & (features["status"] != Reason.PENDING)
    ]
    return [
        score
        for row in rows_of(left_out)
        for scorer in scorers_of(run)
        for score in scorer.unscored(  # type: ignore[attr-defined]
            evidence_from(frame, row),
            None,
            judge=run.config.score.judge,
            status=Reason(row["status"]),
            reason=f"fires on {row['n_windows']} windows, {row['n_held_out']} of them held out",
        )
    ]


def frame_of(run: Run, table: str) -> pd.DataFrame:
    """Return one of the run's tables."""
    return read_table(run.directory, table)
