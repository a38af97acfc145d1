# shellcheck shell=bash
# The second half of user data; Terraform puts the settings and lib.sh in front of it.
#
# Fetches the one version of the setup bundle that the launch template names, proves that it
# is that one, and runs the phases this server still needs. cloud-init runs it once, as root;
# what it prints goes to the journal, the serial console and cloud-init-output.log.
#
# It fails closed: whatever goes wrong, the server leaves a mark, tells its Auto Scaling group
# to take it away, and never gets to where it would answer a health check.
set -euo pipefail
umask 022

# shellcheck source=/dev/null
declare -F retry >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

state=$ROOT/var/lib/$SETUP_PROJECT/setup
bundle=$state/bundle-${SETUP_SHA256:0:12}
mkdir -p "$state"
work=$(mktemp -d "$state/work.XXXXXX")

# The group keeps a new server waiting until it hears CONTINUE or ABANDON.
tell_group() {
  local instance group
  [[ -n ${SETUP_LAUNCH_HOOK:-} ]] || return 0
  instance=$(metadata instance-id) || {
    log "no instance metadata here, so no Auto Scaling group to tell"
    return 0
  }
  # Again and again: a new permission takes some seconds until it is known everywhere.
  group=$(retry aws autoscaling describe-auto-scaling-instances --instance-ids "$instance" \
    --query 'AutoScalingInstances[0].AutoScalingGroupName' --output text) || return
  # Not an error where nobody waits: a server older than the hook, or a second run.
  aws autoscaling complete-lifecycle-action --auto-scaling-group-name "$group" \
    --lifecycle-hook-name "$SETUP_LAUNCH_HOOK" --instance-id "$instance" \
    --lifecycle-action-result "$1" || log "$group did not wait for this server"
}

finish() {
  local code=$?
  trap - EXIT
  rm -rf "$work"
  if ((code == 0)); then
    rm -f "$state/failed"
    printf '%s\n' "$SETUP_SHA256" | put "$state/done" 644
    log "ready after $SECONDS s"
    tell_group CONTINUE || log "could not tell the Auto Scaling group that this server is ready"
  else
    rm -f "$state/done"
    printf '%s\n' "$code" >"$state/failed"
    log "FAILED with exit code $code; this server stays out of service" >&2
    tell_group ABANDON || log "could not tell the Auto Scaling group that this server failed"
  fi
  exit "$code"
}
trap finish EXIT

log "fetching s3://$SETUP_BUCKET/$SETUP_KEY, version $SETUP_VERSION"
retry aws s3api get-object --bucket "$SETUP_BUCKET" --key "$SETUP_KEY" \
  --version-id "$SETUP_VERSION" "$work/bundle.json" >/dev/null ||
  fail "the bundle could not be fetched"
echo "$SETUP_SHA256  $work/bundle.json" | sha256sum --check --status ||
  fail "the bundle is not the one this launch template was made for; nothing of it was run"

# Written anew each time: what is run is what was proven, not what a folder happens to hold.
python3 - "$work/bundle.json" "$work/bundle" <<'PYTHON'
import base64, json, pathlib, sys

source, target = map(pathlib.Path, sys.argv[1:])
bundle = json.loads(source.read_bytes())
files = {path: text.encode() for path, text in bundle["text"].items()}
files |= {path: base64.b64decode(data) for path, data in bundle["base64"].items()}
for path, content in files.items():
    file = target / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
PYTHON
rm -rf "$state"/bundle-* # those of before, too: whoever goes back fetches his
mv "$work/bundle" "$bundle"

read -ra phases <<<"$SETUP_PHASES"
log "phases: ${phases[*]}"
bash "$bundle/servers/setup/run" "${phases[@]}"
