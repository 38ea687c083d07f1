"""pymemcache."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pymemcache
from pymemcache.exceptions import MemcacheError
from steps import HOST, step

url = urlsplit(os.environ["MEMCACHED"])
client = pymemcache.Client((url.hostname, url.port), default_noreply=False)
with step("set"):
    client.set("parity", "s3cret")
with step("get"):
    client.get("parity")
with step("get many"):
    client.get_many(["parity", "none"])
with step("set many"):
    client.set_many({"parity": "s3cret", "other": "s3cret"})
with step("incr", raises=MemcacheError):
    client.incr("parity", 1)
with step("delete"):
    client.delete("parity")
with step("nobody there", raises=OSError):
    pymemcache.Client((HOST, 1)).get("parity")
client.close()
