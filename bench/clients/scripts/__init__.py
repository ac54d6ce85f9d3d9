"""What each client is asked to do. Runs in the client's environment, not in the app's."""
