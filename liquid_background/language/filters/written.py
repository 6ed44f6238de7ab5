"""The filter `json`: python-liquid's, which names the field that it cannot write."""

from __future__ import annotations

from liquid.extra import JSON
from liquid.filter import liquid_filter

from liquid_background.errors import NotExposed
from liquid_background.language.exposed import Exposure, NoForm, fault_in


class Json(JSON):
    """Writes a value as JSON; of an object, what its rule lists.

    Args:
        exposure: the rules of the environment.
    """

    def __init__(self, exposure: Exposure) -> None:
        super().__init__(exposure.as_json)
        self._exposure = exposure

    @liquid_filter
    def __call__(self, obj: object, indent: object = None) -> str:
        """Return a value as JSON.

        Raises:
            NotExposed: for an object that no rule exposes.
            FilterArgumentError: for another value that JSON has no form for.
        """
        plain = JSON.__call__.__wrapped__  # type: ignore[attr-defined]
        try:
            text: str = plain(self, obj, indent)
        except (NoForm, NotExposed) as error:
            path = fault_in(obj, self._exposure.as_json)
            where = f"has a field {path!r:.200} that " if path else ""
            if isinstance(error, NotExposed):
                raise NotExposed(f"{where}{error.why}") from None
            raise TypeError(f"what json is given {where}{error}") from None
        return text
