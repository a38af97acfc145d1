"""Read a page of a running server, and find what it links to in the bucket of the mock AWS.

    python local/steps/85-links.py          show it; the exit code is 1 if a link leads nowhere
    python local/steps/85-links.py down     nothing to undo

The mock has no edge locations, so a file is asked of the bucket, under the path of its link.
"""

import json
import re
import sys
import urllib.request
from urllib.parse import unquote

import boto3
from booted import LOCAL, servers


def main() -> None:
    state = json.loads((LOCAL / "terraform.tfstate").read_text(encoding="utf-8"))
    told = {name: output["value"] for name, output in state["outputs"].items()}
    base, bucket = told["url_rewriting_base"], told["object_storage_buckets"]["content"]
    if not base:
        print("the filter is switched off", flush=True)
        return

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for server in servers():
        with direct.open(f"{server['url']}/", timeout=10) as answer:
            page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        links = re.findall(r'(?:href|src)="([^"]+)"', page)
        moved = [link for link in links if link.startswith(f"{base}/")]
        if not moved or any(link.startswith("/static/") for link in links):
            sys.exit(f"{server['name']}: links were left as they were: {', '.join(links)}")
        if base not in policy.partition(";")[0].split():
            sys.exit(f"{server['name']}: browsers would refuse files from {base}: {policy}")
        for link in moved:
            key = unquote(link.removeprefix(f"{base}/"))
            there = boto3.client("s3").head_object(Bucket=bucket, Key=key)
            print(f"{server['name']}: {link} is {there['ContentType']} in the bucket", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
