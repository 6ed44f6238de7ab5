"""Background jobs for Liquid templates."""
