/** What `--help` says. */
export const HELP =
  `Makes images with a running codex-image-server and saves them.

  deno task generate "a red fox" --count 4 --size 2K --ref fox.png --out pictures

  -n, --count N       1 to 4 candidates, each with a direction of its own
      --size SIZE     auto, 1K, 2K, 4K or WIDTHxHEIGHT
      --aspect RATIO  such as 16:9, square, or reference for that of the first --ref
      --quality Q     auto, high, medium or low
      --format F      png, jpeg or webp
      --background B  auto, opaque or transparent
      --fit FIT       cover, contain or none, where Codex makes another size
      --ref FILE      a picture to go by; may be given several times
  -o, --out DIR       where to save; this directory when left out
      --server URL    where the server is
  -h, --help          this

The server is looked for at CODEX_IMAGE_SERVER_PUBLIC_URL, else on this machine at the port
CODEX_IMAGE_SERVER_PORT or 17341. CODEX_IMAGE_SERVER_API_KEY is sent as its key.

Ctrl-C cancels, and the server ends its work. Progress goes to standard error and the paths of
the images to standard output where that is no terminal.

The last line tells how much of your plan's quota is used, and what an image takes of it once that
can be estimated.

Exit status: 0 all images are saved, 1 none, 3 only some, 2 wrong use, 130 canceled.
`;
