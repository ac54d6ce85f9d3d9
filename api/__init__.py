"""The only home of FastAPI routes and of the edge around them."""
