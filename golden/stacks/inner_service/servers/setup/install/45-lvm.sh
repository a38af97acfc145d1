#!/bin/bash
# Tools for volumes that are striped, and for the file system on them.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet e2fsprogs lvm2
