"""What telemetry costs, measured on this machine: `make bench`, or `python3 -m benchmarks --help`.

Needs nothing but Python 3.10 on Linux: the environments are made on first use. `wrk` and `taskset` are used when found.
"""
