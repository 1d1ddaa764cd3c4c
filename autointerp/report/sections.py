"""In which order a report says what it has to say: what limits the reader comes first, what explains comes last."""

from collections.abc import Iterator
from itertools import chain

from autointerp.analysis.estimates import LARGE
from autointerp.report.blocks import (
    Block,
    Cards,
    Facts,
    Figures,
    Folded,
    Heading,
    Key,
    Places,
    Points,
    Prose,
    Section,
    Source,
    Table,
)
from autointerp.report.grids import Grid
from autointerp.report.measures import Measure
from autointerp.report.page import Page

SCORES = (
    "Each row is one measure; different scorers are never averaged. Intervals are 95%, by bootstrap over features "
    f"(above {LARGE:,} of them by the normal law). "
    "Excess is the mean of per-feature differences to the control. The mean over features counts each feature once; "
    "the mean over firings counts it as often as it fires. Pictures show three explainers and judges at most, in the "
    "order of the configuration; the tables have all."
)


def sections_of(page: Page) -> tuple[Section, ...]:
    """Return the sections that have something to say; some always stand there, to say that there is nothing."""
    return (
        Section("verdict", "How far can these labels be trusted?", "Verdict", _verdict(page)),
        Section("coverage", "Coverage", "Coverage", tuple(_coverage(page))),
        Section("scores", "Scores", "Scores", tuple(_scores(page))),
        Section("density", "Scores by density", "Density", _part(page, "density")),
        Section("fits", "Fits", "Fits", tuple(_fits(page))),
        *_matches(page),
        *_concepts(page),
        Section("quality", "The dictionaries themselves", "Dictionaries", tuple(_quality(page))),
        *_neurons(page),
        *_neighbourhoods(page),
        Section("trust", "What the scores can be trusted for", "Trust", tuple(_trust(page))),
        *_people(page),
        *_matter(page),
        Section("cost", "What it cost", "Cost", tuple(_cost(page))),
        *_change(page),
        Section("random", "Features drawn at random", "Features at random", tuple(_random(page))),
        Section("extreme", "Worst, best, and where scorers disagree", "Worst and best", tuple(_extreme(page))),
        Section("failures", "Failures by reason", "Failures", tuple(_failures(page))),
        Section("methods", "Methods, with the prompts in full", "Methods", _part(page, "methods")),
        Section("columns", "What the tables hold", "Columns", _part(page, "columns")),
        Section("reproduce", "How to reproduce this", "Reproduce", tuple(_reproduce(page))),
        Section("glossary", "Glossary", "Glossary", tuple(_glossary(page))),
    )


def _part(page: Page, name: str) -> tuple[Block, ...]:
    return page.parts.get(name, ())


def _verdict(page: Page) -> tuple[Block, ...]:
    """Return the three sentences, and behind a fold all there is to say."""
    more = Folded("More: each judge, control, explainer and trend", (Points(page.statements),))
    return (Points(page.headline), more)


def _coverage(page: Page) -> Iterator[Block]:
    yield Prose(
        "What became of every feature. A score below speaks for the features counted as scored here, and at best for "
        "the eligible ones; never for dead or rare ones."
    )
    yield Table("Coverage by dictionary", page.coverage)
    yield from _part(page, "coverage")
    yield Prose(page.evidence)


# ---- scores


def _scores(page: Page) -> Iterator[Block]:
    yield Prose(f"{SCORES} {page.linked}".strip())
    for measure in page.measures:
        if measure.is_main:
            yield from _measured(measure)
    if not any(measure.is_main for measure in page.measures):
        yield Prose("Nothing was scored with a main measure.")
    others = tuple(chain.from_iterable(_measured(measure) for measure in page.measures if not measure.is_main))
    if others:
        yield Folded("Other variants of these scorers", others)
    yield Folded("Every metric, with what could not be scored", (Table("Every metric", page.metrics),))


def _measured(measure: Measure) -> Iterator[Block]:
    yield Heading(measure.title)
    yield Points(measure.limits, "limits")
    yield Table(measure.title, measure.grid)
    if measure.versus.rows:
        yield Prose("One explainer against another, on the same features:")
        yield Table(f"{measure.title}: one explainer against another", measure.versus)
    yield Figures(measure.pictures)
    yield from map(Prose, measure.trends)


def _fits(page: Page) -> Iterator[Block]:
    yield from _part(page, "fits")
    yield from _part(page, "widths")
    yield from _part(page, "published")


def _matches(page: Page) -> Iterator[Section]:
    if blocks := _part(page, "matches"):
        yield Section("matches", "Features across widths", "Across widths", blocks)


def _concepts(page: Page) -> Iterator[Section]:
    if blocks := _part(page, "concepts"):
        yield Section("concepts", "Concepts with a feature", "Concepts", blocks)


def _quality(page: Page) -> Iterator[Block]:
    yield Prose("Measured without any label, on documents the dictionary was not trained on.")
    yield Table("Dictionary quality", page.quality)


def _neurons(page: Page) -> Iterator[Section]:
    if blocks := _part(page, "neurons"):
        yield Section("neurons", "Features against earlier neurons", "Against neurons", blocks)


def _neighbourhoods(page: Page) -> Iterator[Section]:
    if blocks := _part(page, "neighbourhoods"):
        yield Section("neighbourhoods", "Neighbourhoods of directions", "Neighbourhoods", blocks)


# ---- trust


def _trust(page: Page) -> Iterator[Block]:
    yield Prose(
        "Before it judged real labels, the judge was given labels of made-up features whose meaning is known. Its "
        "error rates may be different on other concepts."
    )
    yield Table("Certificates of the judge", page.certificates)
    yield from _explained("Labels above other features' labels", page.labelled)
    yield Heading("Do two scorers put the same features on top?")
    yield Prose(
        "Spearman's rank correlation over features. Around 0: at least one of the two does not measure what the other "
        "does."
    )
    yield Table("Agreement of scorers", page.agreement)
    yield from _part(page, "agreement")
    yield from _part(page, "answers")
    if page.judges.rows:
        yield from _explained("Judges beside each other", page.judges)
    if page.right.rows:
        yield from _explained("Shares of yes, set right for the judge's errors", page.right)


def _explained(title: str, grid: Grid) -> Iterator[Block]:
    yield Heading(title)
    yield Prose(grid.about)
    yield Table(title, grid)


def _people(page: Page) -> Iterator[Section]:
    if page.raters.rows:
        text = (
            "People judged windows blind: they saw a label and a text, neither score nor judge nor what fires. "
            "Agreement beyond chance is kappa; a person who says yes to another feature's labels as well tells nothing."
        )
        tables = Table("Answers of each rater", page.raters), Table("Each rater beside others", page.people)
        yield Section("people", "What people say", "People", (Prose(text, is_soft=False), *tables))


def _matter(page: Page) -> Iterator[Section]:
    if page.diagnosis.rows:
        text = (
            "Labels with each tag, of all labels; derived from stored scores and answers, without a further call. "
            "A label without a tag is not thereby a good one."
        )
        table = Table("Labels by diagnosis", page.diagnosis)
        yield Section("matter", "What is the matter", "What is the matter", (Prose(text), table, Facts(page.meanings)))


def _cost(page: Page) -> Iterator[Block]:
    yield Prose(
        "Calls of language models in all attempts of this run. Answers from the store were paid for before. A price "
        "that is not known is not 0."
    )
    yield Table("Calls, tokens and price by stage and scorer", page.cost)
    yield Prose(page.lost)
    yield from _part(page, "cost")


def _change(page: Page) -> Iterator[Section]:
    if blocks := _part(page, "change"):
        yield Section("change", "Change against a baseline", "Change", blocks)


# ---- features


def _random(page: Page) -> Iterator[Block]:
    text = "Drawn by a keyed draw from all features that were asked about, scored or not, before any score was seen."
    yield Prose(text, is_soft=False)
    if not page.random:
        yield Prose("No feature was asked about.")
        return
    yield Key(page.scale) if page.has_text else Prose(NO_TEXT)
    yield Cards(page.random, is_first_open=True)


NO_TEXT = "Text of the corpus was left out of this report: windows, tokens and examples. Labels stand as written."


def _extreme(page: Page) -> Iterator[Block]:
    choice = page.choice
    if not choice.measure:
        yield Prose("Nothing was scored, so nothing is best or worst.")
        return
    text = (
        f"By {choice.measure}, of labels by {choice.explainer}. Chosen for being extreme: tested again, the best would "
        "score lower and the worst higher."
    )
    yield Prose(text, is_soft=False)
    chosen = [("Worst", choice.worst), ("Best", choice.best)]
    if choice.disagreed:
        chosen.append((f"Where {choice.disagreement} disagree most", choice.disagreed))
    for title, features in chosen:
        yield Places(title, tuple((str(f), card.anchor) for f in features if (card := page.card(f))))
    yield Cards(page.extreme)


def _failures(page: Page) -> Iterator[Block]:
    yield Prose("Everything that was asked for and not had. Nothing of this entered a mean as 0.")
    yield Table("Failures by reason", page.failures)


# ---- how it was made


def _reproduce(page: Page) -> Iterator[Block]:
    yield Facts(page.reproduce)
    yield Source("Configuration", page.config)


def _glossary(page: Page) -> Iterator[Block]:
    yield Folded("The words of this page, one line each", (Facts(page.glossary),))
