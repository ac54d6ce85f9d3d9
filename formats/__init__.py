"""File formats: export, import, data sets, reports. Pure: no store, no network, no page."""
