from evently_core.memory.storage import MemoryStorage
from evently_core.testing.storage_contract import StorageAndRecords, StorageContract


class TestMemoryStorage(StorageContract):
    def make_storage(self) -> StorageAndRecords:
        return MemoryStorage()
