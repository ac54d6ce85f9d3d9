"""Figures: each is measured by a command, printed with machine, versions and date."""
