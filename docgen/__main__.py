"""`python -m docgen`: write each generated page, and each generated table in the pages that people write."""

from __future__ import annotations

from docgen.pages import generated_pages

for path, text in generated_pages().items():
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
