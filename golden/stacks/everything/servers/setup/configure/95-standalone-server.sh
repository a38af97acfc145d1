#!/bin/bash
# Lets a server that stands alone say each minute whether its application answers, and whether its
# setup failed: no load balancer asks it, and no group waits for it. A server of a group skips this.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

if [[ ${SETUP_KIND:-} != standalone_server ]]; then
  log "not a standalone server, nothing to do"
  exit 0
fi

here=$BUNDLE/servers/setup/configure/standalone_server
put "$ROOT/usr/local/sbin/standalone-server-answers" 755 <"$here/answers.sh"
for unit in standalone-server-answers.service standalone-server-answers.timer; do
  put "$ROOT/etc/systemd/system/$unit" 644 <"$here/$unit"
done

# The stand-in on a laptop starts no timers.
if [[ -z $ROOT ]]; then
  systemctl daemon-reload
  systemctl enable --now standalone-server-answers.timer
fi
