"""The only home of torch, transformers and what else runs a model: prompts in, deltas out."""
