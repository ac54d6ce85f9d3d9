"""Public clients of the OpenAI API against the app, each in an environment of its own."""
