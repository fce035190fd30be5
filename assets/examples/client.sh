#!/usr/bin/env bash
# A client of the gateway's root API in curl.
#
#   API_KEY=… bash client.sh SESSION RECIPIENT IMAGE_URL [BASE_URL]
#
# It creates the session, waits until a phone has scanned the QR code, sends a text, a picture and a batch, and prints the history.
set -euo pipefail

if [ $# -lt 3 ] || [ -z "${API_KEY:-}" ]; then
  echo 'usage: API_KEY=… bash client.sh SESSION RECIPIENT IMAGE_URL [BASE_URL]' >&2
  exit 2
fi
session=$1 recipient=$2 image=$3 base=${4:-http://localhost:3000}

# The key goes by standard input, so that no list of processes shows it.
call() { curl -sS --fail-with-body -X "$1" -H @- -H 'Content-Type: application/json' "$base$2" "${@:3}" <<<"x-api-key: $API_KEY"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

created=$(call POST /sessions/add -d "{\"sessionId\":\"$session\"}")
if [ "$(field status <<<"$created")" != AUTHENTICATED ]; then
  field qr <<<"$created" | cut -d, -f2 | base64 -d >qr.png
  echo 'scan qr.png with WhatsApp: Settings, Linked devices'
fi
until [ "$(call GET "/sessions/$session/status" | field status)" = AUTHENTICATED ]; do sleep 0.5; done
echo linked

message() { printf '{"jid":"%s","type":"number","message":%s}' "$recipient" "$1"; }

echo "text: $(call POST "/$session/messages/send" -d "$(message '{"text":"Hello from curl"}')" | field id)"
echo "picture: $(call POST "/$session/messages/send" -d "$(message "{\"image\":{\"url\":\"$image\"},\"caption\":\"A picture\"}")" | field id)"
call POST "/$session/messages/send/bulk" -d "[$(message '{"text":"First of the batch"}'),$(message '{"text":"Second of the batch"}')]"
echo
call GET "/$session/chats/$recipient?page=1&limit=10"
echo
