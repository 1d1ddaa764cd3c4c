"""What keeps the sides of a corpus apart: near-duplicates share one, and there is text on every side that is needed."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from autointerp.core.errors import CorpusError
from autointerp.sampling.duplicates import Sketch, near_groups, sketch
from autointerp.sampling.sides import side_of
from autointerp.subject.contexts import Context
from autointerp.subject.model import Subject

NEEDED = ("shown", "held_out")
"""Labels are written from the one and tested on the other; ``select`` serves some explainers only."""


def sketch_read(subject: Subject, text: str, contexts: Sequence[Context], *, is_whole: bool) -> Sketch:
    """Return the sketch of what is read of a document: its *text* where that is the whole, else its contexts'.

    What is never read can neither give a label away nor tell two documents apart.
    """
    if is_whole:
        return sketch(text)
    return sketch("".join("".join(subject.display_tokens(c.token_ids, start=c.start)) for c in contexts))


def groups_of(sketches: Mapping[str, Sketch], *, threshold: float) -> dict[str, str]:
    """Return the group of every document that resembles another: the name of the group's first, as read.

    In keyed order of reading, text that is read besides leaves the earlier documents' groups their names.
    """
    docs = list(sketches)
    firsts = near_groups(list(sketches.values()), threshold=threshold)
    sizes = Counter(firsts)
    return {doc: docs[first] for doc, first in zip(docs, firsts, strict=True) if sizes[first] > 1}


def check_sides(docs: Collection[str], groups: Mapping[str, str], *, corpus: Sequence[str], seed: int) -> None:
    """Raise CorpusError where a side without which nothing can be scored has no document."""
    sides = {side_of(groups.get(doc, doc), seed=seed) for doc in docs}
    if missing := [side for side in NEEDED if side not in sides]:
        among = f" ({len(groups)} of them near-duplicates, which share a side)" if groups else ""
        msg = (
            f"corpus {', '.join(corpus)}: none of the {len(docs)} documents read{among} is on the side "
            f"{' or '.join(missing)}, but labels are written from some documents and tested on others; "
            f"name more documents, cut a long text into several (one a line of a .jsonl file), "
            f"or raise harvest.n_tokens if there are more"
        )
        raise CorpusError(msg)
