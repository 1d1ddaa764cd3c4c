"""The judge put to the test on features whose truth is known, with the scorers of the run."""

from collections.abc import Sequence
from dataclasses import asdict

from autointerp.core.draws import draw
from autointerp.core.protocols import LLM, Scorer
from autointerp.core.types import Evidence, Window
from autointerp.llm.scripted import ScriptedLLM
from autointerp.pipeline.asking import ask
from autointerp.pipeline.evidence import text_of
from autointerp.pipeline.injecting import with_flip_rates
from autointerp.pipeline.judging import Item, examined_of, grade_items
from autointerp.pipeline.run import Run
from autointerp.pipeline.shipped import shipped
from autointerp.score import prompt_of
from autointerp.store.parts import has_part, write_part
from autointerp.trust.certificate import Certificate, certify_all
from autointerp.trust.frames import SideSizes
from autointerp.trust.ladders import ladder_of
from autointerp.trust.oracle import judge_function, parse_judge
from autointerp.trust.planting import PlantSettings, plant
from autointerp.trust.zoo import ZooFeature, meanings, read_zoo

N_TILES = 1500
FUNCTIONS = ("oracle", "constant")


def load_zoo() -> tuple[ZooFeature, ...]:
    """Return every planted feature that comes with autointerp."""
    return read_zoo(path.read_text("utf-8") for path in sorted(shipped("zoo").glob("*.json")))


def judge_named(run: Run, name: str, zoo: Sequence[ZooFeature]) -> LLM:
    """Return the judge: a language model, or a function that knows what the zoo's labels mean."""
    if name.partition(":")[0] in FUNCTIONS:
        return ScriptedLLM(name, judge_function(parse_judge(name), meanings(zoo)))
    return run.judge(name)


def drawn_zoo(run: Run) -> list[ZooFeature]:
    """Return a keyed draw of the zoo's features that a reader can tell, each with the rungs that are tested."""
    zoo = draw(
        [f for f in load_zoo() if f.is_readable],
        run.config.certify.n_features,
        seed=run.config.seed,
        key=lambda f: f.name,
    )
    return [
        feature.pick(rung.rung for rung in feature.rungs if rung.rung in run.config.certify.rungs) for feature in zoo
    ]


def plant_settings(run: Run) -> PlantSettings:
    """Return how a planted feature's n_items held-out tiles are made up: half of them fire.

    A third of the firing ones are top tiles and a twelfth of all are drawn at random: from these two
    come the windows of simulation. The silent ones are half random, half near-misses.
    """
    n = run.config.certify.n_items
    n_firing, n_random = n // 2, max(1, n // 12)
    n_top, n_silent = max(1, n_firing // 3), n - n_firing - n_random
    sizes = SideSizes(
        top=n_top, firing=n_firing - n_top, silent=n_silent - n_silent // 2, near=n_silent // 2, random=n_random
    )
    return PlantSettings(seed=run.config.seed, held_out=sizes, min_available=run.config.features.min_held_out)


def corpus_tiles(run: Run) -> list[Window]:
    """Return a keyed draw of harvested tiles, without activations of their own."""
    text = text_of(run)
    order = text.tile_keys.argsort(kind="stable")[:N_TILES]
    tiles = []
    for tile in sorted(int(t) for t in order):
        doc, start = text.place(tile)
        tokens = run.subject.display_tokens(text.ids(tile), start=start)
        tiles.append(Window(doc, start, tokens, (0.0,) * len(tokens)))
    return tiles


def certify_judge(run: Run, judge: str, *, stage: str = "certify") -> tuple[Certificate, ...]:
    """Return a certificate a scorer, variant and metric: how well this judge ranks labels of known worth."""
    zoo, settings = drawn_zoo(run), plant_settings(run)
    tiles = corpus_tiles(run)
    planted = [(feature, plant(feature, tiles, settings)) for feature in zoo]
    ladders = [ladder_of(feature, tiles, settings) for feature in zoo]
    scorers = examined_of(run)
    items = zoo_items(planted, scorers)
    llm = judge_named(run, judge, load_zoo())
    asked = ask(run, llm, [q for i in items for q in i.questions], stage=stage)
    graded = grade_items(items, asked.replies, judge=judge)
    write_part(run.directory, "failures", f"{stage}-{judge}", asked.failures)
    predictions = [p for predictions, _ in graded for p in predictions]
    certificates = certify_all(
        [score for _, scores in graded for score in scores],
        ladders,
        predictions=predictions,
        prompt_versions={
            scorer.name: run.prompts[prompt_of(scorer.name, run.score_settings) or ""].version for scorer in scorers
        },
    )
    return with_flip_rates(run, llm, certificates, planted=planted, predictions=predictions, stage=stage)


def zoo_items(planted: Sequence[tuple[ZooFeature, Evidence]], scorers: Sequence[Scorer]) -> list[Item]:
    """Return every rung of every planted feature under every scorer that asks about labels.

    The others ask the same whatever the label is: nothing can be ranked by them.
    """
    return [
        Item(scorer, evidence, labelled, scorer.questions(evidence, labelled))
        for feature, evidence in planted
        for labelled in (feature.labelled(rung) for rung in feature.rungs)
        for scorer in scorers
        if scorer.uses_label
    ]


def certify_chunks(run: Run) -> list[str]:
    """Return the judges still to be certified."""
    judge = run.config.score.judge
    wanted = [judge] if run.config.certify.n_features else []
    return [name for name in wanted if not has_part(run.directory, "certificates", name)]


def certify_chunk(run: Run, chunk: str) -> None:
    """Certify one judge and keep its certificates."""
    certificates = certify_judge(run, chunk)
    write_part(run.directory, "certificates", chunk, [asdict(c) for c in certificates])
