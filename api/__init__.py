"""FastAPI routes, and the middleware around them (`api.edge`)."""
