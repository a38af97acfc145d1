#!/bin/bash
# Puts in place what follows the share while the server runs.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

put "$ROOT/etc/systemd/system/replica.service" 644 <"$BUNDLE/servers/systemd/replica.service"
systemctl daemon-reload
