"""Routes of exports, imports and preset files."""
