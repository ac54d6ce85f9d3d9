"""Reports of campaigns as HTML."""
