#!/usr/bin/env bash
# Usage: tools/demo.sh BIN DEST. Generates the web shop of golden/stacks.yml into DEST with the
# `cdp` in BIN, and where Terraform is found builds it on a mock AWS and shows what the application
# answers. A DEST that is there already is left as it is; what stands and is unchanged is not
# built again, so a second run takes seconds.
set -euo pipefail

bin=$1
dest=$2
answer=$dest/.local/answer
stacks=$(dirname "$0")/../golden/stacks.yml

# Whether anything was edited since the application gave its last answer.
unchanged() {
  [[ -s $answer && -z $(find "$dest" -newer "$answer" -type f \
    -not -path '*/.*' -not -path '*/__pycache__/*' -print -quit) ]]
}

if [[ ! -e $dest ]]; then
  names='import sys, yaml; print(*yaml.safe_load(open(sys.argv[1]))["web_shop"]["patterns"])'
  shop=$("$bin/python" -c "$names" "$stacks")
  read -ra patterns <<<"$shop"
  "$bin/cdp" new "$dest" --no-input --set project=demo-shop "${patterns[@]}"
elif [[ -f $dest/.copier-answers.yml ]]; then
  echo "./$dest was generated before and is left as it is, with whatever you edited in it."
  echo "Its README.md says what is there and why; move it away to have it generated anew."
else
  echo "error: ./$dest is there already and was not generated; move it away, then run this again" >&2
  exit 1
fi

echo
if ! command -v terraform >/dev/null; then
  echo "Terraform was not found, so the stack was not built. With it: make -C $dest local"
elif ! unchanged; then
  make --no-print-directory -C "$dest" local
elif ! "$dest/.venv/bin/python" "$dest/local/runner" status 2>/dev/null; then
  echo "The stack was built from these very files before, and is gone. The application answered:"
  cat "$answer"
  echo "Build it again: make -C $dest local"
fi
