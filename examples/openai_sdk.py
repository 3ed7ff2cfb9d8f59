#!/usr/bin/env python3
"""Makes two pictures with OpenAI's own client, then another out of the first.

    pip install openai
    python3 openai_sdk.py "a lighthouse at dusk"
"""

import base64
import os
import sys

from openai import OpenAI

SERVER = os.environ.get("IMAGE_SERVER", "http://127.0.0.1:17341")


def save(name, images):
    """Writes pictures into the current folder, and prints their names."""
    for index, image in enumerate(images, start=1):
        path = f"{name}-{index}.png"
        with open(path, "wb") as file:
            file.write(base64.b64decode(image.b64_json))
        print(path)


def main():
    prompt = sys.argv[1] if len(sys.argv) > 1 else "a lighthouse at dusk"
    # The client insists on a key; without one set at the server it may be anything.
    key = os.environ.get("CODEX_IMAGE_SERVER_API_KEY", "any")
    client = OpenAI(base_url=f"{SERVER}/v1", api_key=key)

    generated = client.images.generate(
        model="gpt-image-2", prompt=prompt, n=2, size="1536x1024"
    )
    save("generated", generated.data)

    with open("generated-1.png", "rb") as file:
        edited = client.images.edit(
            model="gpt-image-2",
            image=file,
            prompt="the same in winter",
            size="1024x1024",
        )
    save("edited", edited.data)


if __name__ == "__main__":
    main()
