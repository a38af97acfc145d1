"""File systems on the mock AWS: their backups, their policies and how they are paid."""

from __future__ import annotations

import json
from typing import Any

from moto.efs.models import FileSystem
from moto.efs.responses import EFSResponse

JSON: dict[str, Any] = {"Content-Type": "application/json"}


def put_backup_policy(self: EFSResponse) -> tuple[str, dict[str, Any]]:
    """Keep whether a file system is backed up."""
    file_system = self.efs_backend.file_systems_by_id[self._get_param("FileSystemId")]
    file_system._backup = self._get_param("BackupPolicy")["Status"] == "ENABLED"
    return json.dumps({"BackupPolicy": file_system.backup_policy}), JSON


def delete_file_system_policy(self: EFSResponse) -> tuple[str, dict[str, Any]]:
    """Let a file system be without a policy again."""
    file_system = self.efs_backend.file_systems_by_id[self._get_param("FileSystemId")]
    file_system.file_system_policy = None
    return "{}", JSON


def update_file_system(self: EFSResponse) -> tuple[str, dict[str, Any]]:
    """Keep by what the throughput of a file system is paid."""
    file_system = self.efs_backend.file_systems_by_id[self._get_param("FileSystemId")]
    file_system.throughput_mode = self._get_param("ThroughputMode")
    file_system.provisioned_throughput_in_mibps = self._get_param("ProvisionedThroughputInMibps")
    return json.dumps(file_system.info_json()), {**JSON, "status": 202}


def backup_policy(self: FileSystem) -> dict[str, str] | None:
    """Tell whether it is backed up; nothing where nobody ever said so."""
    if self._backup is None:
        return None
    return {"Status": "ENABLED" if self._backup else "DISABLED"}


def patch() -> None:
    """Serve the three calls, which moto has none of."""
    FileSystem.backup_policy = property(backup_policy)  # type: ignore[method-assign,assignment]
    for call in (put_backup_policy, delete_file_system_policy, update_file_system):
        setattr(EFSResponse, call.__name__, call)
