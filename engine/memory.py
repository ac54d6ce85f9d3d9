"""Whether an error means that memory is full. Knows neither model nor request."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that GPU or host memory is full; raised by Python or PyTorch."""
    import torch  # noqa: PLC0415 - already imported where a step can fail; keeps imports cheap

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # PyTorch has an error type for a full GPU, but only a message for full main memory.
    return isinstance(error, RuntimeError) and "can't allocate" in str(error)
