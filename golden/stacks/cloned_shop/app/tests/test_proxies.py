"""A user is known by their own address and protocol, whatever stands between."""

from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from app.main import build
from app.settings import Settings

NETWORK = "10.20.0.0/20,10.20.16.0/20,127.0.0.1/32"
"""Subnets of load balancers and proxies, and programs on a proxy that speak to each other."""


def application() -> FastAPI:
    app = build(Settings(trusted_proxies=NETWORK), [])

    @app.get("/who")
    async def who(request: Request) -> list[str]:
        return [request.url.scheme, request.client.host if request.client else ""]

    return app


def test_a_user_is_found_behind_all_hops():
    # What a user says, and then each hop the one before it: load balancer, the programs of a
    # proxy, inner load balancer. That one is the client the application sees.
    hops = "198.51.100.1, 203.0.113.9, 10.20.0.7, 127.0.0.1, 10.20.16.9"
    client = TestClient(application(), client=("10.20.16.5", 50000))

    answer = client.get("/who", headers={"X-Forwarded-For": hops, "X-Forwarded-Proto": "https"})

    assert answer.json() == ["https", "203.0.113.9"]


def test_what_comes_past_the_proxies_is_not_believed():
    client = TestClient(application(), client=("192.0.2.1", 50000))

    answer = client.get("/who", headers={"X-Forwarded-For": "203.0.113.9"})

    assert answer.json() == ["http", "192.0.2.1"]
