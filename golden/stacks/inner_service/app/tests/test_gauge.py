"""Numbers for CloudWatch, on moto, the mock AWS."""

import logging
import time

import boto3
import pytest
from moto import mock_aws

from app.gauge import Gauge


@mock_aws
def test_a_number_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch):
    gauge = Gauge("shop-dev/replica", "AgeSeconds", "Seconds")
    for age in (12.0, 13.0):
        gauge.tell(age)

    cloudwatch = boto3.client("cloudwatch")
    metrics = cloudwatch.list_metrics(Namespace="shop-dev/replica")["Metrics"]
    assert [(each["MetricName"], each["Dimensions"]) for each in metrics] == [("AgeSeconds", [])]
    monkeypatch.setattr(gauge, "_told", time.monotonic() - 61)
    gauge.tell(14.0)
    end = time.time() + 60
    points = cloudwatch.get_metric_statistics(
        Namespace="shop-dev/replica",
        MetricName="AgeSeconds",
        StartTime=end - 600,
        EndTime=end,
        Period=600,
        Statistics=["SampleCount", "Maximum"],
    )["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == 2
    assert max(point["Maximum"] for point in points) == 14


def test_nobody_to_tell_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    Gauge("shop-dev/replica", "AgeSeconds", "Seconds").tell(1.0)
    Gauge("", "AgeSeconds", "Seconds").tell(1.0)

    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [
        "a metric is not told"
    ]
