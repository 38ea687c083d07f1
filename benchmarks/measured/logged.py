"""One logger, one handler of the standard library, one formatter with a time, one stream that keeps nothing but the last line."""

import logging


class Nowhere:
    """A stream that counts lines and keeps the last, for the assertions."""

    lines = 0
    last = ""

    def write(self, text: str) -> None:
        """Count the line."""
        self.lines += 1
        self.last = text

    def flush(self) -> None:
        """Do nothing."""


stream = Nowhere()
handler = logging.StreamHandler(stream)
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s [%(name)s] %(message)s"))
logger = logging.getLogger("shop.orders")
logger.addHandler(handler)
logger.propagate = False
logger.setLevel(logging.INFO)
