"""The columns of every table, declared once; ``parts`` writes and checks against these."""

import pyarrow as pa

S, F, I = pa.string(), pa.float64(), pa.int64()  # noqa: E741


def _schema(**columns: pa.DataType) -> pa.Schema:
    """Return a schema in which a column may be empty only if its name ends with ``_``, which is cut off."""
    return pa.schema(
        [pa.field(name.removesuffix("_"), kind, nullable=name.endswith("_")) for name, kind in columns.items()]
    )


def _full(kind: pa.DataType) -> pa.ListType:
    """Return lists that the file says have no empty places, as no list here has: a sixth less to take apart."""
    return pa.list_(pa.field("element", kind, nullable=False))


def _activations() -> pa.Schema:
    return _schema(dictionary=S, feature=pa.int32(), context=pa.int32(), position=pa.int16(), activation=pa.float32())


TABLES: dict[str, pa.Schema] = {
    # One row a dictionary. fraction_* were measured on documents the dictionary never trained on.
    "dictionaries": _schema(
        dictionary=S, family=S, width=I, site=S, subject=S, kind=S, sha256=S,
        l0_=F, fraction_variance_explained_=F, fraction_ce_recovered_=F, n_alive_=I, tokens_seen=I,
    ),
    # One row a feature of every dictionary, sampled or not. status: scored means explained and scored,
    # else dead / too_few_examples / not_sampled / ... ; histogram = token counts per quarter octave of
    # activation, from 2**histogram_start upwards.
    "features": _schema(
        dictionary=S, feature=I, density=F, window_density=F, peak=F, n_windows=I, n_held_out=I,
        fraction_single_token_=F, histogram_start=I, histogram=pa.list_(I),
        promoted=pa.list_(S), suppressed=pa.list_(S), token_stats=S, n_shown_tokens=I, status=S,
        siblings_=pa.list_(S),
    ),
    # One row a sampled window. activations in the same order as tokens (display strings).
    "evidence": _schema(
        dictionary=S, feature=I, side=S, doc=S, start=I, tokens=pa.list_(S), token_ids=pa.list_(I),
        activations=pa.list_(F), stratum=S, weight=F,
    ),
    # explanation = key of the label; control labels (shuffled, blank) are rows too: explainer control:*, as is
    # what stands for the label where a scorer needs none. text is the short form.
    "explanations": _schema(
        explanation=S, dictionary=S, feature=I, text=S, explainer=S, model=S, prompt_version=S, question=S,
        tokens=I, usd_=F, long_=S, kind_=S, concepts_=pa.list_(S),
    ),
    "predictions": _schema(
        dictionary=S, feature=I, explanation=S, scorer=S, variant=S, judge=S, control=S, draw=I, item=S,
        truth=F, guess_=F, weight=F, kind=S, reason=S,
    ),
    "scores": _schema(
        dictionary=S, feature=I, explanation=S, scorer=S, variant=S, judge=S, control=S, draw=I, metric=S,
        value_=F, low_=F, high_=F, chance_=F, n_asked=I, n_read=I, status=S, reason=S,
    ),
    "failures": _schema(stage=S, about=S, reason=S, detail=S),
    # One row an answer or a paid refusal. model: as the provider returned it; fingerprint: its name for the
    # exact system; usd is empty when the price is unknown; cached answers cost nothing and say what they
    # once cost; failed: the reason for which it is no answer.
    "calls": _schema(
        question=S, model=S, tokens_in=I, tokens_out=I, tokens_cached=I, usd_=F, seconds=F, tries=I,
        cached=pa.bool_(), stage_=S, scorer_=S, dictionary_=S, feature_=I, fingerprint_=S, kind_=S, failed_=S,
    ),
    # One row an answer of the stages explain and score, in words: what an explainer or a writer was asked and wrote,
    # with the question's key; of a judge the first of what it said, with the item and the label. model: as it is
    # configured, as scores name their judge. For reading, never for figures.
    "transcripts": _schema(
        stage=S, model=S, reply=S, question_=S, system_=S, prompt_=S, dictionary_=S, feature_=I, scorer_=S, item_=S,
        label_=S, failed_=S,
    ),
    # One row a judge x scorer: what the zoo says of it. See trust/certificate.py.
    "certificates": _schema(
        judge=S, scorer=S, metric=S, prompt_version=S, n_features=I, n_labels=I, n_asked=I, n_read=I,
        tau_=F, tau_low_=F, tau_high_=F, auroc_=F, auroc_low_=F, auroc_high_=F, exact_first_=F,
        exact_above_neighbours_=F, sensitivity_=F, specificity_=F, certified=pa.bool_(), reason=S,
        flip_rate_=F, n_flip_=I, n_fitting_=I, n_unfitting_=I,
    ),
    # One row a known-truth question put to the judge afresh (pipeline/anchoring.py). anchor: the question's key, the
    # same in every evaluation; truth: 1.0 where the text is what the label says; model, fingerprint: as in calls.
    "anchors": _schema(
        evaluation=S, judge=S, anchor=S, item=S, truth=F, guess_=F, kind=S, reason=S, model_=S, fingerprint_=S,
    ),
    # One row an item of the labels' own that the judge was asked again (pipeline/repeating.py). evaluation: what made
    # the question another one (Question.repeat); first, again: what it said in the run's scores, and this time.
    "repeats": _schema(
        evaluation=S, dictionary=S, feature=I, explanation=S, scorer=S, variant=S, judge=S, item=S, truth=F,
        first_=F, again_=F, kind=S, reason=S,
    ),
    # One row an answer of a person, in the order given; of a window answered again the last one stands.
    # time: UTC, ISO 8601; answer: yes / no / unsure; seconds from the window being shown to the answer.
    "ratings": _schema(
        rater=S, time=S, dictionary=S, feature=I, explanation=S, control=S, item=S, answer=S, seconds=F,
    ),
    # One row a feature of the wider dictionary, with its parent, if any, and one a narrow feature without child.
    # kind, cosine of directions, correlation and overlap of activations: analysis/matching.py.
    "matches": _schema(narrow=S, wide=S, parent_=I, child_=I, kind=S, cosine_=F, correlation_=F, overlap_=F),
    # One row a dictionary x concept, and one with the features of another concept (control = swapped). features: the
    # strongest where the prompt ends; best: the one whose strongest tiles mention the concept most, their share;
    # status: found / missed / too_rare. n_alive: features that fire on the n_tokens of the pool.
    "concepts": _schema(
        dictionary=S, concept=S, control=S, n_mentions=I, n_tokens=I, n_alive=I, features=pa.list_(I), best_=I,
        share_=F, status=S,
    ),
    # One row a feature of each dictionary compared (pipeline/neurons.py): the MLP neuron computed before its site whose
    # activation has the highest |Pearson| with its own, of n_neurons, over n_tokens of the pool; shifted: the highest,
    # with its sign, when the feature's tokens are shifted. status: measured, or why it is not counted: silent,
    # too_few_firings (the correlation stands all the same), undefined (constant, or no neuron before).
    "neurons": _schema(
        dictionary=S, feature=I, neuron_site_=S, neuron_=I, correlation_=F, shifted_=F, n_firings=I, n_tokens=I,
        n_neurons=I, status=S,
    ),
    # One row a feature that stands on its dictionary's map (report/mapped.py): t-SNE of directions, near = alike;
    # neither axes nor distances between far groups mean anything.
    "neighbourhoods": _schema(dictionary=S, feature=I, x=F, y=F),
    # Beside a ladder: one row a dictionary x step at which its loss was noted, in powers of sqrt(2) and at the end of
    # epochs. sparsity: value of axis (k, l1_coefficient, l0_coefficient). tokens, flops: so far; loss (1 - variance
    # explained) and l0: mean over the n_measured tokens since the row before, each before it trained the dictionary.
    "training": _schema(
        dictionary=S, family=S, width=I, architecture=S, axis=S, sparsity=F, seed=I, epoch=I, step=I, tokens=I,
        n_measured=I, n_parameters=I, flops=F, loss=F, l0=F,
    ),
    # Harvest: one row a context of 128 tokens (without BOS), as planned.
    "contexts": _schema(doc=S, side=S, start=I, context=I, token_ids=pa.list_(pa.int32())),
    # Harvest: the contexts in which every feature's activations are kept; kept is False on tokens of massive norm.
    "pool": _schema(
        doc=S, side=S, start=I, context=I, token_ids=pa.list_(pa.int32()), kept=pa.list_(pa.bool_()),
    ),
    # Harvest: one row a feature, fired or not, a part for each 65,536 of a dictionary: counts by place =
    # side * 128 + bin (sampling/sketches.py), sampled tiles with the pair of tiles they stand in (its token ids,
    # int32, little endian) and the activations there (n_entries of each; position and value one after the other),
    # firing tokens.
    "samples": _schema(
        dictionary=S, feature=pa.int32(), peak=pa.float32(),
        count_place=_full(pa.int16()), count_tokens=_full(pa.int64()), count_tiles=_full(pa.int64()),
        side=_full(pa.int8()), tile=_full(pa.int64()), doc=_full(S), start=_full(pa.int32()), pair=_full(pa.binary()),
        n_entries=_full(pa.uint8()), position=_full(pa.uint8()), value=_full(pa.float32()),
        firing_token=_full(pa.int32()), firing_value=_full(pa.float32()),
    ),
    # Harvest: how often each token was seen on the shown side (kind token), tokens kept in all and on the shown
    # side (kept, kept_shown), whole tiles by side (whole).
    "texts": _schema(kind=S, number=I, count=I),
    # Harvest: all activations on the pool's contexts, or (keep = "all") on all of them, sorted by (feature,
    # context, position).
    "pool_activations": _activations(),
    "activations": _activations(),
    # Harvest: where each feature's rows begin in its part of ``activations``; a row more than features.
    "offsets": _schema(dictionary=S, feature=pa.int32(), row=pa.int64()),
    # Harvest under way: what shards, and groups of shards, know of every feature (sampling/sketches.py).
    "sketch_counts": _schema(
        dictionary=S, feature=pa.int32(), side=pa.int8(), bin=pa.int16(), n_tokens=pa.int64(), n_tiles=pa.int64(),
        peak=pa.float32(),
    ),
    "sketch_tiles": _schema(
        dictionary=S, feature=pa.int32(), side=pa.int8(), tile=pa.int64(), key=pa.uint64(), peak=pa.float32(),
        # uint8 and float32, little-endian: bytes are written and read several times faster than lists.
        position=pa.binary(), value=pa.binary(),
    ),
    "sketch_firings": _schema(
        dictionary=S, feature=pa.int32(), key=pa.uint64(), token=pa.int32(), value=pa.float32(),
    ),
    "sketch_texts": _schema(kind=S, number=I, count=I),
    "sketch_pool": _activations(),
    "sketch_activations": _activations(),
}  # fmt: skip
