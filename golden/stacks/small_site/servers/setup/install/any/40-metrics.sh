#!/bin/bash
# The CloudWatch agent. What it measures is said when a server starts, so an image holds none of it.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet amazon-cloudwatch-agent
