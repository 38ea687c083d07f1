"""What is shared by the tests of the libraries."""

import pytest

pytest.register_assert_rewrite("tests.instrumentations.outbound")
pytest.register_assert_rewrite("tests.instrumentations.transfers")
