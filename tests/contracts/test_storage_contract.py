from evently_core.evently import Store
from evently_core.memory.storage import MemoryStorage
from evently_core.testing.storage_contract import StorageContract


class TestMemoryStorage(StorageContract):
    def make_storage(self) -> Store:
        return MemoryStorage()
