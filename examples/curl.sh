#!/usr/bin/env bash
# One picture, its bytes, four pictures, one after a reference, one with events.
#   examples/curl.sh [SERVER] [FOLDER]
set -euo pipefail

server=${1:-http://127.0.0.1:17341}
folder=${2:-.}
key=${CODEX_IMAGE_SERVER_API_KEY:-}
json="content-type: application/json"

curl() { command curl --silent --show-error --fail-with-body -H "x-api-key: $key" "$@"; }

# Prints the answer; a refusal, which has the reason, goes to standard error.
ask() {
  local answer
  if ! answer=$(curl "$@"); then
    echo "$answer" >&2
    return 1
  fi
  echo "$answer"
}

# The values of a field, each once: the first picture stands at the top of the answer too.
values() { grep -o "\"$1\":\"[^\"]*\"" | cut -d '"' -f 4 | sort -u; }

echo "One picture:"
answer=$(ask "$server/v1/images/generate" -H "$json" \
  -d '{"prompt": "a lighthouse at dusk", "size": "1K", "aspect": "16:9"}')
values path <<<"$answer"

echo "Its bytes, by its URL:"
reference=$folder/lighthouse.png
curl --output "$reference" "$(values url <<<"$answer")"
echo "$reference"

echo "Four pictures:"
answer=$(ask "$server/v1/images/generate" -H "$json" \
  -d '{"prompt": "a lighthouse at dusk", "count": 4}')
values url <<<"$answer"

echo "One after a reference, which goes to the image model as the file it is:"
answer=$(ask "$server/v1/images/generate" -F prompt="the same lighthouse in winter" \
  -F size=1K -F aspect=reference -F "reference=@$reference")
values url <<<"$answer"

echo "One with events:"
curl --no-buffer "$server/v1/images/generate" -H "accept: text/event-stream" -H "$json" \
  -d '{"prompt": "a lighthouse in fog"}' |
  while IFS= read -r line; do
    case $line in
    event:*) event=${line#event:} ;;
    data:*)
      case ${event# } in
      progress) [[ $line =~ \"phase\":\"([a-z]+)\" ]] && echo "${BASH_REMATCH[1]}" ;;
      image) values url <<<"$line" ;;
      error) echo "$line" >&2 && exit 1 ;;
      esac
      ;;
    esac
  done
