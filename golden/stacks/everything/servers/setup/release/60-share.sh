#!/bin/bash
# Puts in place what mounts the share again after a restart, and lets the application write to it.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

units=$ROOT/etc/systemd/system
put "$units/share.service" 644 <"$BUNDLE/servers/systemd/share.service"
put "$units/app.service.d/share.conf" 644 <"$BUNDLE/servers/systemd/app.service.d/share.conf"
systemctl daemon-reload
