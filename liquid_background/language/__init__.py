"""Liquid: tags, what a body is handed, performing an attempt, the site's files."""
