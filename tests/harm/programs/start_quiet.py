"""A program that uses a little of everything that is observed, prints what it found, and leaves with status 3."""

import logging
import sqlite3
import sys
import threading
import warnings

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s %(funcName)s %(message)s")


def main():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
    logging.getLogger("start").info("%d rows", connection.execute("SELECT count(*) FROM t").fetchone()[0])
    connection.close()
    thread = threading.Thread(target=sys.stdout.write, args=("a thread\n",))
    thread.start()
    thread.join()
    try:
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    except DeprecationWarning as error:
        print("raised", error)
    print(list(sys.flags), sys.argv[1:], __debug__, __name__, sys.flags.dev_mode)
    print(sys.stdin is None, sys.stdout.encoding, sys.path[0] == "" if __name__ != "__main__" else "")
    sys.stderr.write("err\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())
