"""The only home of Gradio: what is seen and clicked."""
