"""Middleware around every route: hosts, origins, body limits, sessions, permissions, errors."""
