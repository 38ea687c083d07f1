"""A logger class of gunicorn as services write them: JSON, and an access log of its own."""

from __future__ import annotations

import json
import logging
from typing import Any

from gunicorn.glogging import Logger


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"level": record.levelname, "message": record.getMessage()})


class JsonLogger(Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            for handler in logger.handlers:
                handler.setFormatter(Json())

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:  # noqa: ARG002
        self.access_log.info("%s answered with %s", req.path, resp.status)
