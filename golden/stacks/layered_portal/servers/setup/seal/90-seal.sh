#!/bin/bash
# The last thing done to an image: whatever belongs to this one machine goes, so that no two
# servers share an identity and nothing of the build is left for a reader of the image.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

# Each server makes host keys of its own at its first start.
rm -f "$ROOT"/etc/ssh/ssh_host_*

# Empty, not absent: systemd then writes a new id at the first start.
if [[ -e $ROOT/etc/machine-id ]]; then
  : >"$ROOT/etc/machine-id"
fi
rm -f "$ROOT/var/lib/dbus/machine-id" "$ROOT/var/lib/systemd/random-seed"

# Without its memory cloud-init takes the first start of a server for what it is.
rm -rf "$ROOT"/var/lib/cloud/{data,instance,instances,sem}

# Settings belong to an environment, and marks of a finished setup to a server.
rm -rf "$ROOT/etc/${SETUP_PROJECT:?}" "$ROOT/var/lib/$SETUP_PROJECT/setup"/{failed,started}

# What people and tools leave behind.
rm -f "$ROOT"/root/.bash_history "$ROOT"/home/*/.bash_history
rm -rf "$ROOT"/root/{.aws,.cache,.ssh} "$ROOT"/home/*/{.aws,.ssh}
rm -rf "$ROOT/var/cache/dnf"
# What this machine says from here on stays in its memory, or the journal would begin a new file.
[[ -n $ROOT ]] || journalctl --relinquish-var
rm -rf "$ROOT"/var/log/{amazon/ssm,audit,journal}/*
for log in "$ROOT"/var/log/{cloud-init.log,cloud-init-output.log,dnf.log,dnf.rpm.log,messages,secure}; do
  if [[ -e $log ]]; then
    : >"$log"
  fi
done
log "nothing of this machine is left"
