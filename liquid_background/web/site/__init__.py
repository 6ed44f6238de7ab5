"""The site's pages over HTTP: read within bounds, rendered in processes that may be replaced, and logged."""
