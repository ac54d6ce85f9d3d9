import pytest

from engine.weights.catalogue import FREE_LICENCE, catalogue, find_entry
from engine.weights.hardware import MIB, GpuDevice, Machine, parse_gpus
from engine.weights.recommend import GB, choose, fitting_quantization

NAMES = {entry.name for entry in catalogue()}


def machine(gpu_gb: float | None = None, memory_gb: float = 16) -> Machine:
    gpu = None if gpu_gb is None else GpuDevice("NVIDIA L4", int(gpu_gb * GB))
    return Machine(int(memory_gb * GB), gpu)


@pytest.mark.parametrize(
    ("gpu_gb", "name", "words"),
    [
        (80, "Qwen2.5-7B-Instruct", "fits in bf16"),
        (20, "Qwen2.5-7B-Instruct", "fits in bf16"),
        (19.9, "Qwen2.5-7B-Instruct", "in 4 bits (nf4) unless"),
        (8, "Qwen2.5-7B-Instruct", "in 4 bits (nf4) unless"),
        (7.9, "Qwen2.5-3B-Instruct", "in 4 bits (nf4) unless"),
        (3.9, "Qwen2.5-1.5B-Instruct", "in 4 bits (nf4) unless"),
        (None, "Qwen2.5-0.5B-Instruct", "No NVIDIA GPU"),
    ],
)
def test_the_choice_follows_free_gpu_memory(gpu_gb: float | None, name: str, words: str) -> None:
    choice = choose(machine(gpu_gb))
    assert choice.name == name
    assert words in choice.reason
    assert choice.name in NAMES


def test_the_reason_names_the_gpu_and_its_free_memory() -> None:
    assert choose(machine(24)).reason == "NVIDIA L4 with 24.0 GB free: 7B fits in bf16."


def test_a_choice_with_a_restricted_licence_names_it() -> None:
    assert "Qwen Research" in choose(machine(6)).reason


def test_the_chosen_model_fits() -> None:
    for gpu_gb in (2, 4, 6, 8, 12, 20, 24, 80):
        entry = find_entry(choose(machine(gpu_gb)).name)
        assert entry is not None
        assert fitting_quantization(entry, machine(gpu_gb)) is not None


def test_bitsandbytes_is_used_on_gpus_only() -> None:
    entry = find_entry("Qwen2.5-7B-Instruct")
    assert entry is not None
    assert fitting_quantization(entry, machine(gpu_gb=8)) == "nf4"
    assert fitting_quantization(entry, machine(memory_gb=8)) is None


def test_the_catalogue_holds_every_official_size_and_packing() -> None:
    for size in ("0.5B", "1.5B", "3B", "7B", "14B", "32B", "72B"):
        assert f"Qwen2.5-{size}-Instruct" in NAMES
        assert f"Qwen2.5-{size}-Instruct-AWQ" in NAMES
        assert f"Qwen2.5-{size}-Instruct-GPTQ-Int4" in NAMES
        assert f"Qwen2.5-{size}-Instruct-GPTQ-Int8" in NAMES
    assert "Qwen2.5-Coder-32B-Instruct" in NAMES
    assert "Qwen2.5-Coder-72B-Instruct" not in NAMES
    assert "Qwen2.5-Math-72B-Instruct" in NAMES
    assert len(NAMES) == len(catalogue())


def test_parameters_computed_from_the_shape_are_the_published_ones() -> None:
    published = {  # from the headers of the official weights
        "0.5B": 494_032_768,
        "1.5B": 1_543_714_304,
        "3B": 3_085_938_688,
        "7B": 7_615_616_512,
        "14B": 14_770_033_664,
        "32B": 32_763_876_352,
        "72B": 72_706_203_648,
    }
    for size, parameters in published.items():
        entry = find_entry(f"Qwen2.5-{size}-Instruct")
        assert entry is not None
        assert entry.shape.parameters == parameters


def test_only_3b_and_72b_are_not_free() -> None:
    restricted = {entry.name for entry in catalogue() if entry.licence != FREE_LICENCE}
    assert {name for name in restricted if "-3B-" not in name and "-72B-" not in name} == set()
    assert {"Qwen2.5-3B-Instruct", "Qwen2.5-Coder-3B-Instruct-AWQ"} <= restricted
    assert {"Qwen2.5-72B-Instruct", "Qwen2.5-Math-72B-Instruct"} <= restricted


def test_a_model_is_found_by_name_or_hub_id_in_any_case() -> None:
    assert find_entry("qwen2.5-7b-instruct") == find_entry("Qwen/Qwen2.5-7B-Instruct") is not None
    assert find_entry("Qwen2.5-8B-Instruct") is None


def test_lines_of_the_driver_without_a_number_are_skipped() -> None:
    answer = "NVIDIA L4, 22491\nNVIDIA A2, [N/A]\nNo devices were found\n"
    assert parse_gpus(answer) == [GpuDevice("NVIDIA L4", 22491 * MIB)]
