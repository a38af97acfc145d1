"""CloudFront on the mock AWS, read back as it was written."""

from __future__ import annotations

from typing import Any

from moto.cloudfront import models


def patch() -> None:
    """Leave out of a distribution what was not asked for; else each plan would take it back.

    moto adds the old `ForwardedValues` to a behaviour that has a cache policy, CloudFront's own
    certificate to a distribution that has another one, and to that certificate a way of telling
    names apart. It drops the access control with which a bucket is asked.
    """
    behavior, certificate = models.DefaultCacheBehaviour.__init__, models.ViewerCertificate.__init__
    begin = models.Origin.__init__

    def behave(self: models.DefaultCacheBehaviour, config: dict[str, Any]) -> None:
        behavior(self, config)
        if config.get("CachePolicyId"):
            del self.forwarded_values

    def certify(self: models.ViewerCertificate, config: dict[str, Any]) -> None:
        certificate(self, config)
        if config.get("ACMCertificateArn"):
            self.cloud_front_default_certificate = False
        else:
            self.ssl_support_method = ""

    def originate(self: models.Origin, origin: dict[str, Any]) -> None:
        begin(self, origin)
        control = origin.get("OriginAccessControlId") or ""
        self.origin_access_control_id = control  # type: ignore[attr-defined]

    models.Origin.__init__ = originate  # type: ignore[method-assign]
    models.DefaultCacheBehaviour.__init__ = behave  # type: ignore[method-assign]
    models.ViewerCertificate.__init__ = certify  # type: ignore[method-assign]
