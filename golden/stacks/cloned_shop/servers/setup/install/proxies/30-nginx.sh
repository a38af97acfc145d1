#!/bin/bash
# nginx, the last hop of each proxy. The package starts nothing by itself.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet nginx
