"""Parses while another thread has stacks of exceptions written; prints how often the parser failed.

Objects with a method in Python for their end are collected in the middle of parsing: there threads change.
"""

import ast
import gc
import sys
import threading

from platform_instrument.telemetry.stacks import stack_of


class Circle:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(3):
            pass


def failing(depth: int) -> int:
    return failing(depth - 1) if depth else {"a": [1]}["a"][depth + 1]


def writing(depth: int) -> None:
    if depth:  # how deep the stack is, is what the parser's state is compared with
        writing(depth - 1)
        return
    try:
        failing(20)
    except IndexError as error:
        while not parsed.is_set():
            stack_of(error)


parsed = threading.Event()
gc.set_threshold(5)
sys.setswitchinterval(1e-6)
thread = threading.Thread(target=writing, args=(60,))
thread.start()
source = "(" * 30 + "1" + ",)" * 30
failed = 0
for _ in range(1000):
    Circle()
    try:
        ast.parse(source)
    except SystemError:
        failed += 1
parsed.set()
thread.join()
sys.stdout.write(f"{failed}\n")
