"""Model files: catalogue, hubs, download, verification, conversion."""
