"""What this page changes of Gradio: outputs, events, and how the page is mounted."""
