"""Jobs as tests: a file for pytest that runs a job again, with masked values, against the templates of its day."""

from liquid_background.saved.saving import SavedTest, save_test

__all__ = ["SavedTest", "save_test"]
