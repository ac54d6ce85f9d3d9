"""Whether an error means that memory is full. Knows neither model nor request."""


def is_out_of_memory(error: BaseException) -> bool:
    """Of the GPU or of the host, whoever noticed: Python, PyTorch or the batching library."""
    import torch  # noqa: PLC0415 - long loaded where it matters; importing this stays light

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # PyTorch has a type for a full GPU, but only words for full main memory.
    return isinstance(error, RuntimeError) and "can't allocate" in str(error)
