"""Text to windows by the harvest: what ``autointerp harvest`` does, then the samples of every feature."""

from itertools import chain
from typing import Any

from sides.text import N_WINDOWS, TILE, Clock, Figures, bytes_of, summary, warm_up


def measure_ours(run: Any, *, with_strings: bool) -> Figures:
    """Return what the harvest of the planned text takes, and the windows of every feature."""
    from autointerp.pipeline.harvesting import finish_harvest, harvest_chunk, harvest_chunks
    from autointerp.pipeline.samples import read_counts, read_samples

    subject, dictionary, clock = run.subject, run.dictionaries[0], Clock()
    warm_up(run)
    vars(subject)["vectors_at"] = clock.timed("forward", subject.vectors_at)
    encode_sparse = dictionary.encode_sparse

    def encoded(vectors: Any) -> Any:
        with clock.of("encode"):
            dictionary.encode(vectors)
        return encode_sparse(vectors)

    # The dense encoding is only there to be subtracted: ``cache`` and all the rest are without it.
    vars(dictionary)["encode_sparse"] = encoded
    with clock.of("cache"):
        for chunk in harvest_chunks(run):
            harvest_chunk(run, chunk)
        finish_harvest(run)
    for spent in (clock.wall, clock.cpu):
        spent["cache"] -= spent["encode"]
    n = dictionary.n_features
    with clock.of("load"):
        samples = read_samples(run.harvest_folder, dictionary.name, range(n), seed=run.config.seed)
        windows = {feature: windows_of(sample) for feature, sample in samples.items()}
    if with_strings:
        with clock.of("strings"):
            for _, _, ids, _ in chain.from_iterable(windows.values()):
                subject.display_tokens(ids)
    counts = read_counts(run.harvest_folder, dictionary.name, n)[1]
    return summary([len(found) for found in windows.values()]) | {
        "clock": clock.figures(),
        "n_activations": int(counts["n_tokens"].sum()),
        "bytes": bytes_of(run.harvest_folder),
        "tables": {folder.name: bytes_of(folder) for folder in run.harvest_folder.iterdir() if folder.is_dir()},
    }


def windows_of(sample: Any) -> list[tuple[str, int, tuple[int, ...], Any]]:
    """Return (document, start, token ids, activations) of the 100 kept tiles with the lowest keys."""
    windows = []
    for row in sample.key.argsort()[:N_WINDOWS].tolist():
        half = int(sample.tile[row]) % 2 * TILE
        place = slice(half, half + TILE)
        windows.append((sample.doc[row], int(sample.start[row]), sample.pair[row][place], sample.values[row, place]))
    return windows
