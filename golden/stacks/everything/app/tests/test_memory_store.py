"""The store of the other tests keeps the contract as well, or they would show nothing."""

import pytest

from memory_store import MemoryStore
from session_store_contract import SessionStoreContract


class TestMemoryStore(SessionStoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
