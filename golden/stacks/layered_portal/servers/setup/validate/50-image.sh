#!/bin/bash
# Looks at the finished image before it is frozen; an image that fails here is never made.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

# Everything the image brings as a service must be complete: its program is there, and
# systemd understands it.
for unit in "$BUNDLE"/servers/systemd/*.service; do
  [[ -e $unit ]] || continue # no release is in this image
  name=$(basename "$unit")
  installed=$ROOT/etc/systemd/system/$name
  [[ -e $installed ]] || fail "$name is not in the image"
  program=$(sed -n 's/^ExecStart=[-@:+!]*\([^ ]*\).*/\1/p' "$installed")
  [[ -x $ROOT$program ]] || fail "$name starts $program, which is not in the image"
  if [[ -z $ROOT ]]; then
    systemd-analyze verify --recursive-errors=no "$installed" || fail "systemd refuses $name"
  fi
done

# Not the log of the agent that runs this very check: it writes while it does.
for trace in "$ROOT"/etc/ssh/ssh_host_* "$ROOT/etc/$SETUP_PROJECT/app.env" "$ROOT"/root/.aws \
  "$ROOT"/root/.ssh "$ROOT/var/lib/$SETUP_PROJECT/setup/failed" \
  "$ROOT"/var/log/{audit,journal}/*; do
  [[ ! -e $trace ]] || fail "$trace must not be in an image"
done
[[ ! -s $ROOT/etc/machine-id ]] || fail "servers of this image would share one machine id"
log "the image is complete and holds nothing of this machine"
