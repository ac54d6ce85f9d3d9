"""Decisions before loading, each with its reason."""

import pytest

from chat.errors import StartupError
from engine import plan
from engine.plan import GIB, Gpu, Hardware, Shape

QWEN_7B = Shape(
    weights=int(15.2e9), kv_per_token=57_344, scratch_per_token=15_360, max_context=32_768
)
QWEN_05B = Shape(
    weights=int(0.99e9), kv_per_token=12_288, scratch_per_token=3_840, max_context=32_768
)
LAPTOP = Hardware(cores=2, free=24 * GIB)


def with_gpu(free_gib: float, *, bf16: bool = True, count: int = 1) -> Hardware:
    gpus = [Gpu(index, "NVIDIA L4", int(free_gib * GIB), bf16) for index in range(count)]
    return Hardware(cores=16, free=64 * GIB, gpus=gpus)


def needed(shape: Shape = QWEN_7B) -> int:
    target = plan.cache_target(shape, context_length=8192, max_concurrent=8, cache_gib=None)
    return plan.cache_needed(shape, target, 8192)


def test_device_cuda_without_a_gpu_is_an_error() -> None:
    with pytest.raises(StartupError, match=r"--device cuda.*--device cpu"):
        plan.choose_device("cuda", LAPTOP)


@pytest.mark.parametrize(
    ("requested", "hardware", "device"),
    [
        ("auto", LAPTOP, "cpu"),
        ("auto", with_gpu(20), "cuda"),
        ("cpu", with_gpu(20), "cpu"),
        ("cuda", with_gpu(20), "cuda"),
    ],
)
def test_a_gpu_is_used_if_there_is_one(requested: str, hardware: Hardware, device: str) -> None:
    assert plan.choose_device(requested, hardware).value == device


def test_a_gpu_without_bfloat16_computes_in_float16_and_the_reason_names_it() -> None:
    decision = plan.choose_dtype("cuda", with_gpu(15, bf16=False))
    assert decision.value == "float16"
    assert "NVIDIA L4" in decision.reason
    assert plan.choose_dtype("cuda", with_gpu(15)).value == "bfloat16"
    assert plan.choose_dtype("cpu", LAPTOP).value == "bfloat16"


@pytest.mark.parametrize(("free_gib", "chosen"), [(22.0, "none"), (14.0, "nf4"), (7.5, "nf4")])
def test_weights_are_packed_only_if_they_and_the_cache_do_not_fit(
    free_gib: float, chosen: str
) -> None:
    decision = plan.choose_quantization("auto", "cuda", with_gpu(free_gib), QWEN_7B, needed())
    assert decision.value == chosen
    assert "GiB" in decision.reason


def test_an_explicit_quantization_is_used_and_auto_on_the_cpu_is_none() -> None:
    assert plan.choose_quantization("int8", "cpu", LAPTOP, QWEN_05B, 0).value == "int8"
    assert plan.choose_quantization("auto", "cpu", LAPTOP, QWEN_05B, 0).value == "none"


def test_auto_uses_bf16_if_even_packed_weights_would_not_fit() -> None:
    """Packed weights cannot be offloaded to main memory, bf16 weights can."""
    small = with_gpu(5)
    assert plan.choose_quantization("auto", "cuda", small, QWEN_7B, needed()).value == "none"
    assert plan.choose_device_map("cuda", small, QWEN_7B, "none", needed()).value == "auto"
    two = with_gpu(5, count=2)
    assert plan.choose_quantization("auto", "cuda", two, QWEN_7B, needed()).value == "nf4"


@pytest.mark.parametrize("requested", ["int8", "nf4"])
def test_an_explicit_quantization_that_cannot_fit_is_an_error(
    requested: plan.Quantization,
) -> None:
    with pytest.raises(StartupError, match=rf"--quantization {requested} needs .* cannot spill"):
        plan.choose_quantization(requested, "cuda", with_gpu(5), QWEN_7B, needed())
    fitting = plan.choose_quantization(requested, "cuda", with_gpu(14), QWEN_7B, needed())
    assert fitting.value == requested


@pytest.mark.parametrize("free_gb", [8, 12, 16])
def test_auto_packs_7b_on_every_gpu_for_which_it_is_chosen(free_gb: float) -> None:
    """From 8 GB of free memory in nvidia-smi, less half a GB for PyTorch's CUDA context."""
    gpu = Gpu(0, "NVIDIA L4", int((free_gb - 0.5) * 1e9), True)
    hardware = Hardware(cores=16, free=64 * GIB, gpus=[gpu])
    assert plan.choose_quantization("auto", "cuda", hardware, QWEN_7B, needed()).value == "nf4"
    assert plan.choose_device_map("cuda", hardware, QWEN_7B, "nf4", needed()).value == {"": 0}
    loaded = int((free_gb - 0.5 - 5.6) * 1e9)
    cache = plan.choose_cache_tokens(QWEN_7B, target=needed(), free=loaded, device="cuda", page=32)
    assert cache.value >= 8192


def test_already_packed_weights_are_not_packed_again() -> None:
    awq = Shape(1, 1, 1, 1, packing="awq")
    assert plan.choose_quantization("nf4", "cuda", with_gpu(8), awq, 0).value == "none"


def test_a_model_that_fits_one_gpu_is_not_spread_over_two() -> None:
    fits = plan.choose_device_map("cuda", with_gpu(22, count=2), QWEN_7B, "none", needed())
    spreads = plan.choose_device_map("cuda", with_gpu(10, count=2), QWEN_7B, "none", needed())
    assert fits.value == {"": 0}
    assert spreads.value == "auto"


def test_the_cache_holds_every_answer_at_full_length_with_room_for_reuse() -> None:
    target = plan.cache_target(QWEN_05B, context_length=8192, max_concurrent=8, cache_gib=None)
    tokens = plan.choose_cache_tokens(
        QWEN_05B, target=target, free=20 * GIB, device="cpu", page=32
    ).value
    assert tokens * (1 - plan.FREE_PAGE_RESERVE) >= 8 * 8192 - 32
    assert tokens % 32 == 0


def test_the_cache_exceeds_neither_the_request_nor_the_memory() -> None:
    target = plan.cache_target(QWEN_05B, context_length=8192, max_concurrent=8, cache_gib=0.25)
    for free in (20 * GIB, GIB // 4):
        tokens = plan.choose_cache_tokens(
            QWEN_05B, target=target, free=free, device="cpu", page=32
        ).value
        assert tokens * QWEN_05B.kv_per_token <= min(target, free)


def test_memory_too_small_for_a_conversation_is_an_error() -> None:
    with pytest.raises(StartupError, match="smaller model"):
        plan.choose_cache_tokens(QWEN_7B, target=GIB, free=GIB // 2, device="cuda", page=256)


def test_a_share_of_the_hardware_reduces_only_the_memory() -> None:
    half = with_gpu(24, count=2).share(0.5)
    assert [gpu.free for gpu in half.gpus] == [12 * GIB, 12 * GIB]
    assert (half.free, half.cores) == (32 * GIB, 16)
