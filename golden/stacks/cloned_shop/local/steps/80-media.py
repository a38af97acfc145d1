"""Publish a file to the mock AWS, and read from the bucket what a browser would be told of it.

    python local/steps/80-media.py          show it; the exit code is 1 if the file is not there
    python local/steps/80-media.py down     nothing to undo: the bucket goes with the stack

The mock has no edge locations, so the file is asked of the bucket, and not of the address under
which users find it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

REPOSITORY = Path(__file__).resolve().parents[2]
STATE = REPOSITORY / ".local/terraform.tfstate"
NAME = "shown film.mp4"


def main() -> None:
    outputs = json.loads(STATE.read_text(encoding="utf-8"))["outputs"]
    with tempfile.TemporaryDirectory() as folder:
        told, media = Path(folder, "outputs.json"), Path(folder, "media")
        told.write_text(json.dumps(outputs), encoding="utf-8")
        media.mkdir()
        (media / NAME).write_bytes(b"\x00" * 1024)
        command = [sys.executable, str(REPOSITORY / "scripts/publish.py")]
        command += [f"--outputs={told}", f"--folder={media}"]
        if code := subprocess.run(command, check=False).returncode:
            sys.exit(f"scripts/publish.py ended with exit code {code}")

    bucket = outputs["web_storage_publish"]["value"]["bucket"]
    there = boto3.client("s3").head_object(Bucket=bucket, Key=f"media/{NAME}")
    if there["ContentType"] != "video/mp4" or "max-age" not in there["CacheControl"]:
        sys.exit(f"a browser would be told: {there['ContentType']}, {there['CacheControl']}")
    print(f"the bucket has it as {there['ContentType']}, {there['CacheControl']}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["up"], ["down"]):
        sys.exit(f"usage: {sys.argv[0]} [up|down]")
    if sys.argv[1:] != ["down"]:
        main()
