"""Every format: a small file of it, written here, fires as the plain formula of its architecture says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architectures import D, build_subject
from known_weights import (
    GEMMA,
    Array,
    K,
    N,
    Weights,
    gated,
    jumprelu,
    make_weights,
    one_threshold,
    pre,
    relu,
    times_norm,
    topk,
    vectors,
    write_sae_lens,
)  # fmt: skip
from safetensors.torch import save_file

from autointerp.core.errors import EnvironmentProblem, SubjectError
from autointerp.subject.dictionaries import SparseDictionary, site_of
from autointerp.subject.loading import dictionary_folders, find_sources, load_dictionary
from autointerp.subject.sites import Site

pytestmark = pytest.mark.usefixtures("third_parties")


@pytest.fixture
def weights() -> Weights:
    return make_weights()


def tensors(w: Weights, *names: str) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(w[name]) for name in names}


# Writers of each format.


def write_gemma_scope(root: Path, w: Weights, kind: str = "res") -> Path:
    folder = root / f"gemma-scope-2b-pt-{kind}" / "layer_7" / "width_16k" / "average_l0_50"
    folder.mkdir(parents=True)
    np.savez(folder / "params.npz", **{name: w[name] for name in GEMMA})
    return folder


def write_gemma_scope_2(root: Path, w: Weights, kind: str, *, skip: bool = False) -> Path:
    folder = root / "gemma-scope-2-1b-pt" / kind / "layer_7_width_16k_l0_medium"
    folder.mkdir(parents=True)
    found = tensors(w, *GEMMA)
    stored = {name.lower(): tensor for name, tensor in found.items()}
    if skip:
        stored["affine_skip_connection"] = torch.from_numpy(w["W_skip"])
    save_file(stored, folder / "params.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": "jump_relu", "affine_connection": skip}))
    return folder


def write_sparsify(root: Path, w: Weights, module: str, **options: Any) -> Path:
    folder = root / "sae-pythia" / module
    folder.mkdir(parents=True)
    stored = tensors(w, "W_dec", "b_dec") | {"encoder.bias": torch.from_numpy(w["b_enc"])}
    stored["encoder.weight"] = torch.from_numpy(w["W_enc"]).T.contiguous()
    if options.get("skip_connection"):
        stored["W_skip"] = torch.from_numpy(w["W_skip"])
    save_file(stored, folder / "sae.safetensors")
    said = {"d_in": D, "k": K, "num_latents": N, "normalize_decoder": True, "activation": "topk"}
    (folder / "cfg.json").write_text(json.dumps(said | options))
    return folder


def learned_state(w: Weights, kind: str) -> dict[str, torch.Tensor]:
    """Return the tensors of one of dictionary_learning's classes, by its names."""
    t = {name: torch.from_numpy(array) for name, array in w.items()}
    linear = {"encoder.weight": t["W_enc"].T, "decoder.weight": t["W_dec"].T}
    plain = {name: t[name] for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
    k, threshold = {"k": torch.tensor(K, dtype=torch.int32)}, {"threshold": torch.tensor(0.5)}
    return {
        "AutoEncoder": linear | {"encoder.bias": t["b_enc"], "bias": t["b_dec"]},
        "AutoEncoderNew": linear | {"encoder.bias": t["b_enc"], "decoder.bias": t["b_dec"]},
        "GatedAutoEncoder": linear
        | {"decoder_bias": t["b_dec"], "r_mag": t["r_mag"], "gate_bias": t["b_gate"], "mag_bias": t["b_mag"]},
        "JumpReluAutoEncoder": plain | {"threshold": t["threshold"]},
        "AutoEncoderTopK": linear | {"encoder.bias": t["b_enc"], "b_dec": t["b_dec"]} | k | threshold,
        "BatchTopKSAE": linear | {"encoder.bias": t["b_enc"], "b_dec": t["b_dec"]} | k | threshold,
        "MatryoshkaBatchTopKSAE": plain | k | threshold | {"group_sizes": torch.tensor([10, N - 10])},
    }[kind]


def write_learned(root: Path, w: Weights, kind: str, *, suffix: str = ".safetensors", **trainer: Any) -> Path:
    folder = root / "lm_sae" / f"trainer_{kind}"
    folder.mkdir(parents=True)
    state = {name: tensor.contiguous() for name, tensor in learned_state(w, kind).items()}
    if suffix == ".safetensors":
        save_file(state, folder / f"ae{suffix}")
    else:
        torch.save(state, folder / f"ae{suffix}")
    said = {"dict_class": kind, "activation_dim": D, "dict_size": N, "layer": 2, "submodule_name": "resid_post_layer_2"}
    (folder / "config.json").write_text(json.dumps({"trainer": said | trainer, "buffer": {"ctx_len": 128}}))
    return folder


def fires_as(dictionary: SparseDictionary, expected: Array) -> None:
    """Fail unless the dictionary gives these activations, dense and sparse, and a fair share of them is not zero."""
    x = torch.from_numpy(vectors())
    assert 0.02 < (expected > 0).mean() < 0.98
    np.testing.assert_allclose(dictionary.encode(x).numpy(), expected, atol=2e-5)
    codes = dictionary.encode_sparse(x, block=7)
    dense = torch.zeros(len(x), dictionary.n_features)
    dense[codes.row, codes.feature] = codes.value
    np.testing.assert_allclose(dense.numpy(), expected, atol=2e-5)


SAE_LENS: dict[str, Callable[..., Array]] = {
    "standard": relu,
    "topk": topk,
    "jumprelu": jumprelu,
    "gated": gated,
    "transcoder": relu,
    "skip_transcoder": relu,
    "jumprelu_transcoder": jumprelu,
    "jumprelu_skip_transcoder": jumprelu,
}


@pytest.mark.parametrize("architecture", SAE_LENS)
def test_sae_lens_architectures(architecture: str, weights: Weights, tmp_path: Path) -> None:
    """A folder of SAE-Lens fires by its architecture's formula, times the decoder's norms."""
    is_transcoder = "transcoder" in architecture
    options: dict[str, Any] = {"k": K} if architecture == "topk" else {}
    options |= {"d_out": D, "apply_b_dec_to_input": False} if is_transcoder else {}
    dictionary = load_dictionary(write_sae_lens(tmp_path / "some" / "sae", weights, architecture, **options))
    fires_as(dictionary, times_norm(weights, SAE_LENS[architecture](weights, vectors(), shifted=not is_transcoder)))
    assert dictionary.name == f"some.sae/{N}"
    assert dictionary.site == "residual.3"


def test_topk_that_scales_by_the_norm(weights: Weights, tmp_path: Path) -> None:
    """Where the encoder itself multiplies by the decoder's norms before it chooses, nothing is multiplied again."""
    folder = write_sae_lens(tmp_path / "sae", weights, "topk", k=K, rescale_acts_by_decoder_norm=True)
    scaled = times_norm(weights, pre(weights, vectors(), shifted=True))
    kth = np.sort(scaled, axis=1)[:, -K][:, None]
    fires_as(load_dictionary(folder), np.where(scaled >= kth, np.maximum(scaled, 0), 0))


def test_bias_left_in_the_input(weights: Weights, tmp_path: Path) -> None:
    """apply_b_dec_to_input = false is heeded."""
    folder = write_sae_lens(tmp_path / "sae", weights, "standard", apply_b_dec_to_input=False)
    fires_as(load_dictionary(folder), times_norm(weights, relu(weights, vectors(), shifted=False)))


def test_layer_norm_before_the_encoder(weights: Weights, tmp_path: Path) -> None:
    """Inputs are normalised where the dictionary was trained so, and reconstructions brought back."""
    dictionary = load_dictionary(
        write_sae_lens(tmp_path / "a", weights, "standard", normalize_activations="layer_norm")
    )
    x = vectors()
    centred = x - x.mean(axis=1, keepdims=True)
    scale = centred.std(axis=1, ddof=1, keepdims=True) + 1e-5
    codes = relu(weights, centred / scale, shifted=True)
    fires_as(dictionary, times_norm(weights, codes))
    back = (codes @ weights["W_dec"] + weights["b_dec"]) * (scale - 1e-5) + x.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(dictionary.reconstruct(torch.from_numpy(x)).numpy(), back, atol=1e-3)


@pytest.mark.parametrize("how", ["expected_average_only_in", "covariance_whitening"])
def test_normalisation_left_out_of_the_files(how: str, weights: Weights, tmp_path: Path) -> None:
    """A scale that sae-lens would pass over in silence is refused, unless the file with it stands beside."""
    folder = write_sae_lens(tmp_path / "sae", weights, "jumprelu", normalize_activations=how)
    with pytest.raises(SubjectError, match=f"normalised by {how}, and the numbers for that are not in its files"):
        load_dictionary(folder)
    if how == "expected_average_only_in":
        (folder / "activation_scaler.json").write_text('{"scaling_factor": 2.0}')
        x = torch.from_numpy(vectors())
        shifted = weights | {"b_dec": weights["b_dec"], "W_dec": weights["W_dec"] / 2}
        expected = times_norm(shifted, jumprelu(weights, (2 * x).numpy(), shifted=True))
        fires_as(load_dictionary(folder), expected)


@pytest.mark.filterwarnings(r"ignore:\s*This SAE has non-empty:UserWarning")
def test_trained_on_a_centred_stream(weights: Weights, tmp_path: Path) -> None:
    """A dictionary made for TransformerLens's centred weights gets vectors less their mean, and only at such sites."""
    x, said = vectors(), {"center_writing_weights": True}
    metadata = {"model_from_pretrained_kwargs": said}
    dictionary = load_dictionary(write_sae_lens(tmp_path / "a", weights, "standard", metadata=metadata))
    centred = x - x.mean(axis=1, keepdims=True)
    fires_as(dictionary, times_norm(weights, relu(weights, centred, shifted=True)))
    made = dictionary.reconstruct(torch.from_numpy(x)).numpy()
    expected = relu(weights, centred, shifted=True) @ weights["W_dec"] + weights["b_dec"] + x.mean(1, keepdims=True)
    np.testing.assert_allclose(made, expected, atol=1e-3)
    metadata |= {"hook_name": "blocks.2.attn.hook_z"}
    dictionary = load_dictionary(write_sae_lens(tmp_path / "b", weights, "standard", metadata=metadata))
    fires_as(dictionary, times_norm(weights, relu(weights, x, shifted=True)))


def test_heads_side_by_side(weights: Weights, tmp_path: Path) -> None:
    """A dictionary of hook_z reads the heads' outputs as they stand in the model, side by side."""
    metadata = {"hook_name": "blocks.4.attn.hook_z"}
    folder = write_sae_lens(tmp_path / "z", weights, "standard", reshape_activations="hook_z", metadata=metadata)
    dictionary = load_dictionary(folder)
    fires_as(dictionary, times_norm(weights, relu(weights, vectors(), shifted=True)))
    assert dictionary.reconstruct(torch.from_numpy(vectors())).shape == (30, D)
    assert dictionary.site == "heads.5"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_numbers(dtype: str, weights: Weights, tmp_path: Path) -> None:
    """In half precision activations are float32 near the exact ones, dense and sparse."""
    folder = write_sae_lens(tmp_path / "sae", weights, "standard")
    dictionary = load_dictionary(folder, dtype=dtype)
    expected = times_norm(weights, relu(weights, vectors(), shifted=True))
    x = torch.from_numpy(vectors())
    assert dictionary.sae.W_enc.dtype == getattr(torch, dtype)
    codes = dictionary.encode_sparse(x, block=7)
    assert codes.value.dtype == dictionary.encode(x).dtype == torch.float32
    np.testing.assert_allclose(dictionary.encode(x).numpy(), expected, atol=0.3)
    np.testing.assert_allclose(codes.value.numpy(), expected[codes.row.numpy(), codes.feature.numpy()], atol=0.3)


def test_gemma_scope(weights: Weights, tmp_path: Path) -> None:
    """params.npz is a JumpReLU that leaves its bias in the input; layer, site and family are in the folders' names."""
    for kind, site, output in (
        ("res", "residual.8", "residual.8"),
        ("mlp", "mlp.8", "mlp.8"),
        ("att", "heads.8", "heads.8"),
        ("transcoders", "mlp_normalized.8", "mlp.8"),
    ):
        # Where the repository stands says nothing about what is in it.
        folder = write_gemma_scope(tmp_path / "layer_3 transcoders", weights, kind)
        dictionary = load_dictionary(folder)
        fires_as(dictionary, times_norm(weights, jumprelu(weights, vectors(), shifted=False)))
        assert (dictionary.site, dictionary.output_site) == (site, output)
        assert dictionary.name == f"gemma-scope-2b-pt-{kind}.layer_7.average_l0_50/{N}"
        assert load_dictionary(folder / "params.npz").name == dictionary.name


def test_embedding_of_gemma_scope(weights: Weights, tmp_path: Path) -> None:
    """The dictionaries of the embedding were trained on rows of the table, before the model scales them."""
    folder = tmp_path / "gemma-scope-2b-pt-res" / "embedding" / "width_4k" / "average_l0_6"
    folder.mkdir(parents=True)
    np.savez(folder / "params.npz", **{name: weights[name] for name in GEMMA})
    dictionary, root = load_dictionary(folder), D**0.5
    expected = times_norm(weights, jumprelu(weights, vectors(), shifted=False)) * root
    scaled = torch.from_numpy(vectors() * root)
    np.testing.assert_allclose(dictionary.encode(scaled).numpy(), expected, atol=1e-3)
    assert dictionary.site == "embedding"


@pytest.mark.parametrize(
    ("kind", "site", "output"),
    [
        ("resid_post", "residual.8", "residual.8"),
        ("attn_out", "heads.8", "heads.8"),
        ("mlp_out", "mlp.8", "mlp.8"),
        ("transcoder", "mlp_in.8", "mlp.8"),
    ],
)
def test_gemma_scope_2(kind: str, site: str, output: str, weights: Weights, tmp_path: Path) -> None:
    """params.safetensors is read alike; transcoders read behind the norm, its gain included."""
    dictionary = load_dictionary(write_gemma_scope_2(tmp_path, weights, kind))
    fires_as(dictionary, times_norm(weights, jumprelu(weights, vectors(), shifted=False)))
    assert (dictionary.site, dictionary.output_site) == (site, output)


def test_affine_skip_of_gemma_scope_2(weights: Weights, tmp_path: Path) -> None:
    """An affine transcoder's reconstruction is the decoder's plus vectors times the skip matrix."""
    dictionary = load_dictionary(write_gemma_scope_2(tmp_path, weights, "transcoder", skip=True))
    codes = jumprelu(weights, vectors(), shifted=False)
    expected = codes @ weights["W_dec"] + weights["b_dec"] + vectors() @ weights["W_skip"]
    np.testing.assert_allclose(dictionary.reconstruct(torch.from_numpy(vectors())).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("module", "site"),
    [("layers.3", "residual.4"), ("layers.3.mlp", "module:layers.3.mlp"), ("embed_tokens", "embedding")],
)
def test_sparsify(module: str, site: str, weights: Weights, tmp_path: Path) -> None:
    """sae.safetensors is a TopK whose bias leaves the input, whatever was done to its decoder in training."""
    dictionary = load_dictionary(write_sparsify(tmp_path, weights, module))
    fires_as(dictionary, times_norm(weights, topk(weights, vectors(), shifted=True)))
    assert (dictionary.site, dictionary.name) == (site, f"sae-pythia.{module}/{N}")


@pytest.mark.parametrize("skip", [False, True])
def test_transcoders_of_sparsify(skip: bool, weights: Weights, tmp_path: Path) -> None:
    """A transcoder keeps its k largest too, leaves its bias in the input and reads what the module takes in."""
    folder = write_sparsify(tmp_path, weights, "layers.1.mlp", transcode=True, skip_connection=skip)
    dictionary, codes = load_dictionary(folder), topk(weights, vectors(), shifted=False)
    fires_as(dictionary, times_norm(weights, codes))
    assert (dictionary.site, dictionary.output_site) == ("module:layers.1.mlp:in", "module:layers.1.mlp")
    expected = codes @ weights["W_dec"] + weights["b_dec"] + skip * vectors() @ weights["W_skip"].T
    np.testing.assert_allclose(dictionary.reconstruct(torch.from_numpy(vectors())).numpy(), expected, atol=1e-3)


LEARNED: dict[str, tuple[Callable[..., Array], bool]] = {
    "AutoEncoder": (relu, True),
    "AutoEncoderNew": (relu, False),
    "GatedAutoEncoder": (gated, True),
    "JumpReluAutoEncoder": (jumprelu, False),
    "AutoEncoderTopK": (topk, True),
    "BatchTopKSAE": (one_threshold, True),
    "MatryoshkaBatchTopKSAE": (one_threshold, True),
}


@pytest.mark.parametrize("kind", LEARNED)
def test_dictionary_learning(kind: str, weights: Weights, tmp_path: Path) -> None:
    """Each class of dictionary_learning, its file converted, fires by its own formula."""
    formula, shifted = LEARNED[kind]
    dictionary = load_dictionary(write_learned(tmp_path, weights, kind))
    fires_as(dictionary, times_norm(weights, formula(weights, vectors(), shifted=shifted)))
    assert (dictionary.site, dictionary.name) == ("residual.3", f"lm_sae.trainer_{kind}/{N}")


@pytest.mark.parametrize(
    ("submodule", "site"),
    [("mlp_out_layer_2", "mlp.3"), ("attention_out_layer_2", "attention.3"), ("another", ""), (None, "residual.3")],
)
def test_sites_of_dictionary_learning(submodule: str | None, site: str, weights: Weights, tmp_path: Path) -> None:
    """The submodule's name says the site; where it says nothing known, the configuration has to."""
    folder = write_learned(tmp_path, weights, "AutoEncoder", submodule_name=submodule)
    assert load_dictionary(folder).site == site


def test_a_trained_threshold_that_never_was(weights: Weights, tmp_path: Path) -> None:
    """BatchTopK's threshold is -1 before it is first measured: then all that is positive fires."""
    folder = write_learned(tmp_path, weights, "BatchTopKSAE")
    state = {name: t.contiguous() for name, t in learned_state(weights, "BatchTopKSAE").items()}
    save_file(state | {"threshold": torch.tensor(-1.0)}, folder / "ae.safetensors")
    fires_as(load_dictionary(folder), times_norm(weights, relu(weights, vectors(), shifted=True)))


# What is refused.


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".pth", ".ckpt", ".pkl"])
def test_pickles_are_refused(suffix: str, weights: Weights, tmp_path: Path) -> None:
    """A pickle is never opened; the error has the line that converts it, which works and runs no code of it."""
    folder = write_learned(tmp_path, weights, "BatchTopKSAE", suffix=suffix)
    for place in (folder, folder / f"ae{suffix}"):
        for use in (dictionary_folders, load_dictionary, lambda p: find_sources(str(p))):
            with pytest.raises(SubjectError, match=f"ae{suffix} is a pickle, which may run code") as refused:
                use(place)
    if suffix == ".pt":
        line = str(refused.value).splitlines()[-1].replace("python", sys.executable, 1)
        subprocess.run(line, shell=True, check=True, capture_output=True)
        assert (folder / "ae.safetensors").exists()
        fires_as(load_dictionary(folder), times_norm(weights, one_threshold(weights, vectors(), shifted=True)))


def test_a_pickle_that_runs_code(tmp_path: Path) -> None:
    """Neither a pickle in a folder, nor one under the name of safetensors or npz, is run."""

    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "sprung"),)

    import pickle

    for name, beside in (
        ("sae_weights.pt", "cfg.json"),
        ("sae_weights.safetensors", "cfg.json"),
        ("params.npz", "config.json"),
        ("ae.safetensors", "config.json"),
    ):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / beside).write_text('{"architecture": "standard", "d_in": 4, "d_sae": 8, "trainer": {}}')
        (folder / name).write_bytes(pickle.dumps(Trap()))
        with pytest.raises(SubjectError):
            load_dictionary(folder)
    # An archive of arrays may hold pickled objects too.
    np.savez(tmp_path / "params_npz" / "params.npz", W_enc=np.array([Trap()], dtype=object))
    with pytest.raises(SubjectError):
        load_dictionary(tmp_path / "params_npz")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("architecture", "metadata", "said"),
    [
        ("standard", {"hook_head_index": 3}, "a single attention head"),
        ("batchtopk", {}, "architecture 'batchtopk' is not among .* save_inference_model"),
    ],
)
def test_what_is_of_no_use(
    architecture: str, metadata: dict[str, Any], said: str, weights: Weights, tmp_path: Path
) -> None:
    """A dictionary that cannot be read vector by vector is refused with the reason."""
    folder = write_sae_lens(tmp_path / "sae", weights, "standard", metadata=metadata)
    settings = json.loads((folder / "cfg.json").read_text())
    (folder / "cfg.json").write_text(json.dumps(settings | {"architecture": architecture}))
    with pytest.raises(SubjectError, match=said):
        load_dictionary(folder)


@pytest.mark.parametrize(
    "options", [{"activation": "groupmax"}, {"embed_skip": True}, {"gram_lookup": True}, {"skip_connection": True}]
)
def test_sparsify_with_more_than_vectors(options: dict[str, Any], weights: Weights, tmp_path: Path) -> None:
    """Variants that are not read are named, never read as if they were plain."""
    with pytest.raises(SubjectError, match="not read here"):
        load_dictionary(write_sparsify(tmp_path, weights, "layers.1", **options))


def test_features_of_both_directions(weights: Weights, tmp_path: Path) -> None:
    """Negative activations are an error, not labelled features."""
    dictionary = load_dictionary(write_sae_lens(tmp_path / "sae", weights, "abstopk", k=K))
    with pytest.raises(SubjectError, match=r"negative.*abstopk"):
        dictionary.encode_sparse(torch.from_numpy(vectors()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_activations_that_are_none(bad: float, weights: Weights, tmp_path: Path) -> None:
    """NaN and infinity in the weights are an error that names the dictionary."""
    weights["b_enc"][3] = bad
    with pytest.raises(SubjectError, match=r"dictionary some\.sae/40: activations that are negative, NaN or infinite"):
        load_dictionary(write_sae_lens(tmp_path / "some" / "sae", weights, "standard")).encode_sparse(
            torch.from_numpy(vectors())
        )


# Names and sites.


def test_site_from_the_file_or_the_setting(weights: Weights, tmp_path: Path) -> None:
    """A dictionary's own site is taken; the setting where it has none; neither is an error that says what to set."""
    own = load_dictionary(write_learned(tmp_path / "a", weights, "AutoEncoder"))
    none = load_dictionary(write_learned(tmp_path / "b", weights, "AutoEncoder", submodule_name="another"))
    assert site_of(own, "") == site_of(own, "mlp.1") == Site("residual", 3)
    assert site_of(none, "mlp.1") == Site("mlp", 1)
    with pytest.raises(SubjectError, match=r"its files say nothing; set site = "):
        site_of(none, "")
    strange = SparseDictionary(none.name, "blocks.3.hook_q", none.sae, none.folder)
    assert site_of(strange, "mlp.1") == Site("mlp", 1)
    with pytest.raises(SubjectError, match=r"its files say 'blocks\.3\.hook_q', which is no site here"):
        site_of(strange, "")


def test_transcoder_in_a_model(weights: Weights, tmp_path: Path) -> None:
    """A loaded transcoder reads its site of a real layer, and its directions stand in the space it writes to."""
    subject = build_subject("gpt_neox")
    folder = write_sparsify(tmp_path, weights, "layers.1.mlp", transcode=True)
    dictionary = load_dictionary(folder)
    found = subject.vectors_at([[1, 2, 3]], [Site.parse(dictionary.site), Site.parse(dictionary.output_site)])
    read, written = found.values()
    assert len(dictionary.encode_sparse(read[0]).value)
    assert dictionary.directions.shape == (N, written.shape[-1])


def test_ladder_of_other_formats(weights: Weights, tmp_path: Path) -> None:
    """A folder of Gemma Scope's or sparsify's folders is a ladder like one of ours."""
    for module in ("layers.1", "layers.2"):
        write_sparsify(tmp_path, weights, module)
    assert [p.name for p in dictionary_folders(tmp_path / "sae-pythia")] == ["layers.1", "layers.2"]


def test_unknown_file(tmp_path: Path) -> None:
    """A file of weights under a name no format has is refused with the names there are."""
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(SubjectError, match=r"its format is not known; .*params\.npz"):
        load_dictionary(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "sae-lens:gemma-scope-2b-pt-res-canonica/layer_1/width_16k/canonical",
            "near it are gemma-scope-2b-pt-res-can",
        ),
        ("sae-lens:gpt2-small-res-jb/blocks.8.hook_resid", r"near it are blocks\.8\.hook_resid_pre"),
        ("sae-lens:nonsense", "has no release 'nonsense'"),
        ("sae-lens:gpt2-small-hook-z-kk/blocks.0.hook_z", "as a pickle, which may run code"),
    ],
)
def test_names_that_are_not_in_the_registry(name: str, said: str) -> None:
    """A wrong name is found out without a network, with the nearest right ones; pickles are refused there too."""
    with pytest.raises(SubjectError, match=said):
        load_dictionary(name)


def test_registry_without_a_network(weights: Weights, tmp_path: Path) -> None:
    """Files in the cache load without a network; others are a problem of the machine that says what to fetch."""
    home = tmp_path / "home"
    repository = home / "hub" / "models--somebody--saes"
    snapshot = repository / "snapshots" / "abc"
    write_sae_lens(snapshot / "blocks.2", weights, "jumprelu")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    code = (
        "from autointerp.subject.loading import load_dictionary as load\n"
        "d = load('sae-lens:somebody/saes/blocks.2')\n"
        "print(d.name, d.site, len(d.sha256), d.evaluation, d.trained)\n"
        "try:\n"
        "    load('sae-lens:gpt2-small-res-jb/blocks.8.hook_resid_pre')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    where = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first == f"somebody-saes.blocks.2/{N} residual.3 64 {{}} frozenset()"
    assert second.startswith(EnvironmentProblem.__name__)
    assert "hf download jbloom/GPT2-Small-SAEs-Reformatted --include 'blocks.8.hook_resid_pre/*'" in second
