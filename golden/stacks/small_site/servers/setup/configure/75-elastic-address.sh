#!/bin/bash
# Lets the application answer on port 80, where users look for it. It runs as a user that may
# open no such port, and sees who asks: the kernel turns the port and leaves the sender's address.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

if [[ ${SETUP_KIND:-} != standalone_server ]]; then
  log "not a standalone server, nothing to do"
  exit 0
fi

here=$BUNDLE/servers/setup/configure/elastic_address
put "$ROOT/etc/nftables/elastic-address.conf" 644 <"$here/elastic-address.conf"
put "$ROOT/etc/systemd/system/elastic-address.service" 644 <"$here/elastic-address.service"

# A laptop keeps its ports as they are.
if [[ -z $ROOT ]]; then
  systemctl daemon-reload
  systemctl enable elastic-address.service
  systemctl restart elastic-address.service
fi
