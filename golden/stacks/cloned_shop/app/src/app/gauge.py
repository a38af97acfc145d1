"""A number that CloudWatch is told now and then, so that an alarm can watch it."""

import logging
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

TELL_SECONDS = 60
"""How often a number is told, at most: alarms look at minutes."""


class Gauge:
    """One metric for all servers; whoever watches it chooses if the worst counts or the sum.

    Args:
        namespace: Where CloudWatch keeps the metric; empty tells nobody.
        name: The metric's name.
        unit: Its unit, as CloudWatch calls it.
    """

    def __init__(self, namespace: str, name: str, unit: str) -> None:
        self.namespace = namespace
        self.name = name
        self.unit = unit
        self._told: float | None = None

    def tell(self, value: float) -> None:
        """Send the number, unless one was sent a moment ago. A failure is logged and no more."""
        now = time.monotonic()
        lately = self._told is not None and now - self._told < TELL_SECONDS
        if not self.namespace or lately:
            return
        datum = {"MetricName": self.name, "Unit": self.unit, "Value": value}
        limits = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
        try:
            client = boto3.client("cloudwatch", config=limits)
            client.put_metric_data(Namespace=self.namespace, MetricData=[datum])
        except (BotoCoreError, ClientError) as error:
            log.warning("a metric is not told", extra={"metric": self.name, "reason": str(error)})
        else:
            self._told = now
