"""Cache policies for the mock AWS, which has none, and invalidations that end."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.cloudfront import models, urls
from moto.cloudfront.exceptions import CloudFrontException
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.responses import ActionResult, EmptyResult

POLICIES: dict[str, dict[str, Any]] = {}


def create_cache_policy(self: CloudFrontResponse) -> ActionResult:
    return stored(str(uuid4()), self._get_param("CachePolicyConfig"))


def update_cache_policy(self: CloudFrontResponse) -> ActionResult:
    return stored(known(self), self._get_param("CachePolicyConfig"))


def get_cache_policy(self: CloudFrontResponse) -> ActionResult:
    return ActionResult(POLICIES[known(self)])


def delete_cache_policy(self: CloudFrontResponse) -> ActionResult:
    del POLICIES[known(self)]
    return EmptyResult()


def known(request: CloudFrontResponse) -> str:
    """The policy a request names; AWS's own error where there is none."""
    identifier = str(request._get_param("Id"))
    if identifier not in POLICIES:
        raise CloudFrontException("NoSuchCachePolicy", "The cache policy does not exist.")
    return identifier


def stored(identifier: str, config: dict[str, Any]) -> ActionResult:
    """Keep a policy under a new version, and answer with it."""
    policy = {"Id": identifier, "CachePolicyConfig": config}
    POLICIES[identifier] = {"CachePolicy": policy, "ETag": uuid4().hex}
    return ActionResult(POLICIES[identifier])


def patch() -> None:
    """Serve the four calls a policy takes, and spell the end of an invalidation as AWS does."""
    for call in (create_cache_policy, update_cache_policy, get_cache_policy, delete_cache_policy):
        setattr(CloudFrontResponse, call.__name__, call)
    urls.url_paths["{0}/2020-05-31/cache-policy$"] = CloudFrontResponse.dispatch
    urls.url_paths["{0}/2020-05-31/cache-policy/(?P<policy_id>[^/]+)$"] = (
        CloudFrontResponse.dispatch
    )

    # moto writes COMPLETED, so whoever waits for CloudFront's own word waits for ever.
    models.Invalidation.status = property(  # type: ignore[attr-defined]
        lambda invalidation: "Completed", lambda invalidation, word: None
    )
