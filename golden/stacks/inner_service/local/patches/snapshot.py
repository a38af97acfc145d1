"""Copies on the mock AWS: what a plan selects, and the policy that copies disks."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any
from urllib.parse import unquote

from moto.backup.exceptions import ResourceNotFoundException
from moto.backup.models import BackupBackend
from moto.backup.responses import BackupResponse
from moto.core.common_models import CloudFormationModel


class LifecyclePolicy(CloudFormationModel):
    """A policy of Data Lifecycle Manager, which moto has not got; here it copies nothing."""

    __module__ = "moto.dlm.models"  # by this moto knows which service a model belongs to

    def __init__(self, id: str) -> None:
        self.physical_resource_id = id

    @staticmethod
    def cloudformation_name_type() -> str:
        """It has no name of its own."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """What templates call it."""
        return "AWS::DLM::LifecyclePolicy"

    @classmethod
    def has_cfn_attr(cls, _: str) -> bool:
        """Nothing is asked of it but its id."""
        return False

    @classmethod
    def create_from_cloudformation_json(cls, *_: Any, **__: Any) -> LifecyclePolicy:
        """Give it an id."""
        return cls(f"policy-{uuid.uuid4().hex[:17]}")

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: LifecyclePolicy, *_: Any, **__: Any
    ) -> LifecyclePolicy:
        """It stays the same policy."""
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """There is nothing to take away."""


def selections(self: BackupResponse) -> tuple[str, dict[str, Any]]:
    """The plan that a request is about, and what it selects."""
    plan = self.path.split("/plans/")[-1].split("/")[0]
    self.backup_backend.get_backup_plan(plan, None)
    kept: dict[str, dict[str, Any]] = self.backup_backend.__dict__.setdefault("selections", {})
    return plan, kept.setdefault(plan, {})


def create_backup_selection(self: BackupResponse) -> str:
    """Keep what a plan is to copy."""
    plan, known = selections(self)
    id = str(uuid.uuid4())
    known[id] = json.loads(self.body)["BackupSelection"]
    return json.dumps({"BackupPlanId": plan, "SelectionId": id})


def get_backup_selection(self: BackupResponse) -> str:
    """Tell what it is."""
    plan, known = selections(self)
    id = self.path.rstrip("/").split("/")[-1]
    if id not in known:
        raise ResourceNotFoundException(msg=f"Cannot find selection {id}")
    return json.dumps({"BackupPlanId": plan, "SelectionId": id, "BackupSelection": known[id]})


def delete_backup_selection(self: BackupResponse) -> str:
    """Forget it."""
    selections(self)[1].pop(self.path.rstrip("/").split("/")[-1], None)
    return "{}"


def update_backup_plan(self: BackupResponse) -> str:
    """Keep other rules."""
    plan = self.backup_backend.get_backup_plan(self.path.rstrip("/").split("/")[-1], None)
    plan.backup_plan = json.loads(self.body)["BackupPlan"]
    return json.dumps(plan.to_dict())


def list_tags(self: BackupResponse) -> str:
    """Tell the tags of a vault or a plan, also where the path ends with its ARN."""
    arn = unquote(self.path.partition("/tags/")[2].rstrip("/"))
    return json.dumps({"Tags": self.backup_backend.list_tags(arn)})


def patch() -> None:
    """Serve these calls, forget plans that are deleted, know the policies that are AWS's own."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    calls = (create_backup_selection, get_backup_selection, delete_backup_selection)
    for call in (*calls, update_backup_plan, list_tags):
        setattr(BackupResponse, call.__name__, call)

    delete = BackupBackend.delete_backup_plan

    def delete_for_good(self: BackupBackend, backup_plan_id: str) -> Any:
        result = delete(self, backup_plan_id)
        del self.plans[backup_plan_id]
        return result

    BackupBackend.delete_backup_plan = delete_for_good  # type: ignore[method-assign]
