#!/bin/bash
# What copies the share to this server's own disk.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet rsync
