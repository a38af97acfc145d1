#!/bin/bash
# Makes one configuration of all files in metrics/ that are for this kind of server, and
# starts the CloudWatch agent with it.
#
# A file may be for one kind: metrics/<kind>/NAME.json; those in metrics/ itself
# are for all.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

target=$ROOT/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json

# Merged here and not by the agent, which gives up where two files name one section.
configuration=$(
  python3 - "$BUNDLE/servers/setup/configure/metrics" "${SETUP_KIND:-}" <<'PYTHON'
import json, pathlib, sys


def merged(one, other, at):
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: merged(one[key], other[key], f"{at}.{key}") if key in one else other[key] for key in other}
    if isinstance(one, list) and isinstance(other, list):
        return one + [each for each in other if each not in one]
    if one != other:
        sys.exit(f"two files of metrics/ disagree about {at.lstrip('.')}: {one!r} and {other!r}")
    return one


folder, kind = pathlib.Path(sys.argv[1]), sys.argv[2]
files = sorted(folder.glob("*.json")) + (sorted((folder / kind).glob("*.json")) if kind else [])
result = {}
for file in files:
    result = merged(result, json.loads(file.read_text(encoding="utf-8")), "")
print(json.dumps(result, indent=2, sort_keys=True))
PYTHON
)
put "$target" 644 <<<"$configuration"

# The stand-in on a laptop has no agent.
if [[ -z $ROOT ]]; then
  "$ROOT/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl" \
    -a fetch-config -m ec2 -s -c "file:$target" >/dev/null || fail "the CloudWatch agent does not start"
fi
log "the CloudWatch agent measures $(python3 -c 'import json, sys; print(", ".join(sorted(json.load(open(sys.argv[1]))["metrics"]["metrics_collected"])))' "$target")"
