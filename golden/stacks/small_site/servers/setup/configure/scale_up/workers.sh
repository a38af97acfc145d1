#!/bin/bash
# Says how many processes of the application this machine carries: one for each CPU, and no more
# than fit into its memory.
#
#   scale-up-workers >FILE
set -euo pipefail

# What one process needs at most, with room for the machine itself.
each=300
cpus=$(nproc)
memory=$(awk '/^MemTotal:/ { print int($2 / 1024) }' "${MEMINFO:-/proc/meminfo}")

fit=$((memory / each - 1))
workers=$((cpus < fit ? cpus : fit))
echo "WEB_CONCURRENCY=$((workers > 1 ? workers : 1))"
