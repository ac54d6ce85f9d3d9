"""Benchmarks. Reports state machine, versions and date of each measurement."""
