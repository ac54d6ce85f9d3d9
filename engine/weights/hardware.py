"""Free memory of GPU and host.

Runs nvidia-smi, because importing torch takes seconds. Decides nothing.
"""

import shutil
import subprocess
from dataclasses import dataclass

import psutil

QUERY = ("--query-gpu=name,memory.free", "--format=csv,noheader,nounits")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class GpuDevice:
    """A GPU and its free memory in bytes."""

    name: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """Free memory in bytes; `gpu` is the one with the most free memory, if there is any."""

    memory_free_bytes: int
    gpu: GpuDevice | None = None

    @property
    def model_memory_bytes(self) -> int:
        """Free memory for the weights: the GPU's if there is one."""
        return self.gpu.free_bytes if self.gpu else self.memory_free_bytes


def inspect_machine(device: str = "auto") -> Machine:
    """This machine's free memory now. With device "cpu" GPUs are ignored."""
    gpus = [] if device == "cpu" else _gpus()
    return Machine(
        memory_free_bytes=psutil.virtual_memory().available,
        gpu=max(gpus, key=lambda gpu: gpu.free_bytes, default=None),
    )


def _gpus() -> list[GpuDevice]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments
            [tool, *QUERY], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return parse_gpus(answer)


def parse_gpus(answer: str) -> list[GpuDevice]:
    """GPUs from lines such as "NVIDIA L4, 22491"; a line without a number is skipped."""
    gpus = []
    for line in answer.splitlines():
        name, _, free_mib = line.rpartition(",")
        if free_mib.strip().isdecimal():
            gpus.append(GpuDevice(name.strip(), int(free_mib) * MIB))
    return gpus
