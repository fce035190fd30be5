#!/usr/bin/env bash
# From nothing to a linked account, a message and its answer, with nothing but wamux, in one terminal and without a phone.
# Without --sandbox, and without --scan, it is the same with real accounts: then the QR code appears in the terminal.
set -euo pipefail
export SANDBOX_TIME_SCALE=${SANDBOX_TIME_SCALE:-1} PORT=${PORT:-3000}

wamux run --sandbox --log-file wamux.log 2>/dev/null &
trap 'kill %1; wait' EXIT
until wamux status --sandbox; do sleep 0.2; done

wamux sessions add shop --sandbox --scan 6281111111111
wamux sessions add sari --sandbox --scan 6282222222222
wamux sessions --sandbox

wamux send shop 6282222222222 "Hello Sari" --sandbox
wamux send sari 6281111111111 "Hi! Are you open?" --sandbox
wamux status --sandbox
