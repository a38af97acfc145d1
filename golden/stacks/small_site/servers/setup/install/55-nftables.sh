#!/bin/bash
# The packet filter of Linux, for a server that answers on a port its application may not open.
set -euo pipefail
# shellcheck source=/dev/null
source "$BUNDLE/servers/setup/lib.sh"

retry dnf install --assumeyes --quiet nftables
