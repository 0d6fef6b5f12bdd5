from tests.support.virtual import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
