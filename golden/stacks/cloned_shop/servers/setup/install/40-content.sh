#!/bin/bash
# What copies the master's content, and what encrypts it on its way.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet rsync stunnel
