#!/bin/bash
# Holds file systems still while their disks are copied: all that was written is on the disk, and
# nothing is written meanwhile. Data Lifecycle Manager runs it on the server through Systems
# Manager, before it takes the copies and after.
#
#   freeze.sh pre-script|post-script|dry-run MOUNT_POINT…
#
# A file system that stays frozen stops every program that writes to it. So a process that nobody
# here can take along is told to thaw, come what may, before anything is frozen; and a copy for
# which it came too early is not called a good one.
set -euo pipefail

command=${1:?is pre-script, post-script or dry-run}
shift
seconds=${FREEZE_SECONDS:-60}
guard=thaw-after-snapshot

fail() {
  echo "freeze: $*" >&2
  exit 1
}

# Fails where one was not frozen, and still thaws the others.
thaw() {
  local mount_point code=0
  for mount_point; do
    fsfreeze --unfreeze "$mount_point" || code=1
  done
  return "$code"
}

freeze() {
  local mount_point
  # What an earlier run left behind when it was killed.
  thaw "$@" 2>/dev/null || true
  systemctl stop "$guard.service" 2>/dev/null || true

  # A freeze that takes longer than the guard waits is thawed when it is done, hence the many tries.
  # shellcheck disable=SC2016
  systemd-run --quiet --collect --unit="$guard" /bin/bash -c '
    sleep "$0"
    for try in {1..600}; do
      frozen=
      for mount_point; do
        fsfreeze --unfreeze "$mount_point" 2>/dev/null || frozen=perhaps
      done
      [[ -n $frozen ]] || break
      sleep 1
    done' "$seconds" "$@"

  trap 'thaw "$@" 2>/dev/null || true' EXIT
  for mount_point; do
    sync --file-system "$mount_point" # most is written while programs go on
    fsfreeze --freeze "$mount_point"
  done
  trap - EXIT
  echo "freeze: $* held still, for $seconds seconds at most"
}

# Frozen until this moment means still all the time.
release() {
  thaw "$@" ||
    fail "$* did not stay frozen for the copy, so files in it may be half-written"
  systemctl stop "$guard.service"
  echo "freeze: $* goes on"
}

(($# > 0)) || fail "names no mount point"
for mount_point; do
  # Frozen is whatever file system a folder is in; of a folder that is no mount point, the system's.
  mountpoint --quiet "$mount_point" || fail "$mount_point is not mounted; nothing was done"
done
case $command in
  pre-script) freeze "$@" ;;
  post-script) release "$@" ;;
  dry-run) echo "freeze: $* would be held still" ;;
  *) fail "knows no command $command" ;;
esac
