"""Dictionaries and the harvest: equal to the dense computation, however the text is cut into shards."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_world import SITE, World, save_dictionary

from autointerp.core.errors import SubjectError
from autointerp.subject.contexts import Context, cut_contexts
from autointerp.subject.corpus import read_corpus
from autointerp.subject.dictionaries import SparseDictionary
from autointerp.subject.harvest import Reader, SparseActivations, check_fit, harvest_shard
from autointerp.subject.loading import dictionary_folders, load_dictionary
from autointerp.subject.model import Site, Subject

AT = Site.parse(SITE)
Rows = set[tuple[str, int, int, int, float]]


@pytest.fixture(scope="module")
def contexts(world: World, subject: Subject) -> list[tuple[int, Context]]:
    documents = list(read_corpus([f"jsonl:{world.corpus}"]))[:6]
    return list(enumerate(c for d in documents for c in cut_contexts(subject, d)))


def readers(dictionaries: list[SparseDictionary], max_norm: float = 1e9) -> list[Reader]:
    return [Reader(dictionary, AT, max_norm) for dictionary in dictionaries]


def rows_of(parts: tuple[SparseActivations, ...]) -> Rows:
    return {
        (a.dictionary, int(f), int(c), int(p), round(float(v), 3))
        for a in parts
        for f, c, p, v in zip(a.feature, a.context, a.position, a.activation, strict=True)
    }


def test_activation_is_f_times_decoder_norm(dictionaries: list[SparseDictionary]) -> None:
    """encode = f * |d| and the directions have norm 1, so that scale cannot hide in the decoder."""
    vectors = torch.randn(50, 32, generator=torch.Generator().manual_seed(0))
    for d in dictionaries:
        norms = d.sae.W_dec.norm(dim=1)
        assert norms.max() > 1.9
        torch.testing.assert_close(d.encode(vectors), d.sae.encode(vectors) * norms)
        torch.testing.assert_close(d.directions.norm(dim=1), torch.ones(d.n_features))
        torch.testing.assert_close(d.encode(vectors) @ d.directions, d.sae.encode(vectors) @ d.sae.W_dec)


def test_harvest_equals_the_dense_computation(
    subject: Subject, dictionaries: list[SparseDictionary], contexts: list[tuple[int, Context]]
) -> None:
    """Every non-zero activation, one context at a time and unbatched, is there once, sorted, and no other."""
    shard = harvest_shard(subject, readers(dictionaries), contexts)
    naive: Rows = set()
    for number, context in contexts:
        vectors = subject.site_vectors([context.token_ids], AT)[0]
        for d in dictionaries:
            dense = d.encode(vectors)
            naive |= {
                (d.name, int(f), number, int(p), round(float(dense[p, f]), 3)) for p, f in torch.nonzero(dense).tolist()
            }
    mine = rows_of(shard.activations)
    assert {r[:4] for r in mine} == {r[:4] for r in naive}
    values = {r[:4]: r[4] for r in naive}
    assert all(abs(values[r[:4]] - r[4]) <= 2e-3 for r in mine)
    for a in shard.activations:
        places = np.stack([a.feature, a.context, a.position], axis=1).tolist()
        assert places == sorted(places)
        assert len({tuple(p) for p in places}) == len(places)


def test_massive_tokens_have_no_activations(
    subject: Subject, dictionaries: list[SparseDictionary], contexts: list[tuple[int, Context]]
) -> None:
    """With a limit that half the tokens exceed, these are marked as not kept and fire nowhere."""
    norms = torch.cat([subject.site_vectors([c.token_ids], AT)[0].norm(dim=1) for _, c in contexts])
    shard = harvest_shard(subject, readers(dictionaries, float(norms.median())), contexts)
    dropped = sum(int((~mask).sum()) for mask in shard.kept.values())
    assert 0.4 < dropped / len(norms) < 0.6
    for a in shard.activations:
        assert len(a.feature)
        assert all(shard.kept[int(c)][int(p)] for c, p in zip(a.context, a.position, strict=True))


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_split_over_shards_is_the_same(
    subject: Subject,
    dictionaries: list[SparseDictionary],
    contexts: list[tuple[int, Context]],
    data: st.DataObject,
) -> None:
    """However the contexts are dealt into shards, and in whatever order, the activations are the same."""
    n_shards = data.draw(st.integers(1, 4))
    owner = data.draw(st.lists(st.integers(0, n_shards - 1), min_size=len(contexts), max_size=len(contexts)))
    whole = harvest_shard(subject, readers(dictionaries), contexts)
    parts = [[c for c, o in zip(contexts, owner, strict=True) if o == s] for s in range(n_shards)]
    shards = [harvest_shard(subject, readers(dictionaries), p) for p in parts if p]
    found = {r[:4]: r[4] for shard in shards for r in rows_of(shard.activations)}
    expected = {r[:4]: r[4] for r in rows_of(whole.activations)}
    assert found.keys() == expected.keys()
    assert all(abs(found[k] - expected[k]) <= 2e-3 for k in expected)


def test_two_contexts_with_the_same_words(subject: Subject, dictionaries: list[SparseDictionary]) -> None:
    """Contexts that hold the same tokens in two documents are both harvested, each under its number."""
    ids = tuple(subject.token_ids("the river runs to the sea " * 20)[:32])
    shard = harvest_shard(subject, readers(dictionaries), [(5, Context("a", 0, ids)), (9, Context("b", 0, ids))])
    assert set(shard.kept) == {5, 9}
    for a in shard.activations:
        assert (a.context == 5).sum() == (a.context == 9).sum()


def test_dictionary_of_another_size(subject: Subject, tmp_path: Path) -> None:
    """The error names both sizes, the subject and the site."""
    save_dictionary(tmp_path / "other" / "8", width=8, d_model=48)
    wrong = load_dictionary(tmp_path / "other" / "8")
    with pytest.raises(SubjectError, match=r"vectors of 48 numbers, but .* has 32 at residual\.2"):
        check_fit(subject, [wrong])


def test_dictionary_of_another_site(subject: Subject, dictionaries: list[SparseDictionary]) -> None:
    """A dictionary of layer 2 is refused at layer 3, and the error says which site to write."""
    with pytest.raises(SubjectError, match=r"set site = 'residual\.2'"):
        check_fit(subject, dictionaries, default="residual.3")


def test_site_under_another_name(subject: Subject, dictionaries: list[SparseDictionary]) -> None:
    """The site may be set in another notation, or as the module whose output it is."""
    for name in ("", "residual.2", "blocks.1.hook_resid_post", "model.layers.1"):
        check_fit(subject, dictionaries, default=name)


def test_folder_without_dictionary(tmp_path: Path) -> None:
    """Neither a ladder nor a dictionary: an error of the configuration that says what is looked for."""
    with pytest.raises(SubjectError, match=r"no dictionary here \(no cfg\.json"):
        dictionary_folders(tmp_path)
    save_dictionary(tmp_path / "x" / "8", width=8)
    weights = next((tmp_path / "x" / "8").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(SubjectError, match="copy them whole"):
        load_dictionary(tmp_path / "x" / "8")


def test_ladder_in_order_of_width(tmp_path: Path) -> None:
    """16 stands before 128, as numbers do."""
    for width in (128, 16, 32):
        (tmp_path / str(width)).mkdir()
        (tmp_path / str(width) / "cfg.json").write_text("{}")
    assert [p.name for p in dictionary_folders(tmp_path)] == ["16", "32", "128"]
