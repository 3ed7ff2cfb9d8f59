#!/usr/bin/env python3
"""Makes four pictures and saves them, with nothing but Python's standard library.

    python3 generate.py "a lighthouse at dusk"

Ctrl-C cancels: the server ends all work of a caller who hangs up.
"""

import json
import os
import sys
import urllib.error
import urllib.request

SERVER = os.environ.get("IMAGE_SERVER", "http://127.0.0.1:17341")
KEY = os.environ.get("CODEX_IMAGE_SERVER_API_KEY", "")
# A little more than the server's own limit, so that its reason arrives.
TIMEOUT_S = 630

# A proxy of the environment could not reach this machine's own address.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None):
    """Sends a request and gives the bytes of the answer."""
    headers = {"content-type": "application/json", "x-api-key": KEY}
    request = urllib.request.Request(SERVER + path, body, headers)
    with opener.open(request, timeout=TIMEOUT_S) as response:
        return response.read()


def main():
    prompt = sys.argv[1] if len(sys.argv) > 1 else "a lighthouse at dusk"
    wanted = {"prompt": prompt, "count": 4, "size": "1K", "aspect": "3:2"}
    answer = json.loads(ask("/v1/images/generate", json.dumps(wanted).encode()))
    for image in answer["data"]:
        path = image["id"] + ".png"
        with open(path, "wb") as file:
            file.write(ask(f"/v1/images/{image['id']}/file"))
        print(path, image["resolved_size"])
    for failed in answer["errors"]:
        print(f"{failed['index'] + 1}: {failed['message']}", file=sys.stderr)
    return 3 if answer["errors"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except urllib.error.HTTPError as error:
        sys.exit(json.load(error)["error"]["message"])
    except urllib.error.URLError as error:
        sys.exit(f"Cannot reach {SERVER}: {error.reason}")
    except KeyboardInterrupt:
        sys.exit(130)
