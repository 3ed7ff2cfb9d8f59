# The one pin of Deno, for the image and for everything else. Codex is pinned in deno.json.
ARG DENO_VERSION=2.9.5

FROM denoland/deno:bin-${DENO_VERSION} AS deno

FROM debian:trixie-slim AS base
# Certificate authorities of your own network: put their .crt files beside this file. There need be none.
COPY *.crt /usr/local/share/ca-certificates/
# ps is for the sweep of worker processes.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates procps
COPY --from=deno /deno /usr/local/bin/deno
ENV DENO_DIR=/deno-dir \
    DENO_NO_UPDATE_CHECK=1 \
    DENO_TLS_CA_STORE=system,mozilla \
    NO_COLOR=1
WORKDIR /app

# Configuration and lock file without the packages of the tests, because Deno asks for all that they name.
FROM base AS config
COPY deno.json deno.lock ./
COPY scripts/production_config.ts scripts/
COPY src src
RUN deno run --no-lock --allow-read=. scripts/production_config.ts > /tmp/deno.json \
    && mv /tmp/deno.json . \
    && deno install --quiet --lockfile-only --frozen=false

# The packages, and then out with what making a picture does not need: ripgrep, bubblewrap and a voice host of
# Codex, and the libraries for another libc. Their folders stay, because Deno looks for them.
FROM base AS dependencies
COPY --from=config /app/deno.json /app/deno.lock ./
RUN deno ci --quiet \
    && cd "$DENO_DIR"/npm/*/ \
    && rm -r @openai/codex/*/vendor/*/codex-path @openai/codex/*/vendor/*/codex-resources \
    && find @img/*musl* -type f ! -name '*.json' -delete

FROM base
COPY --from=dependencies /deno-dir /deno-dir
# The native binary: the package's own launcher would need Node. The three folders are for any user, because
# a new volume takes its owner and mode from here.
RUN ln -s "$DENO_DIR"/npm/*/@openai/codex/*/vendor/*/bin/codex /usr/local/bin/codex \
    && mkdir --mode=1777 /auth /data /output
COPY --from=config /app/deno.json /app/deno.lock ./
COPY src src
RUN deno cache --quiet src/main.ts
# Those for the allocator are explained in scripts/start.ts.
ENV HOME=/data \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=65536 \
    MALLOC_TRIM_THRESHOLD_=65536 \
    CODEX_HOME=/auth \
    CODEX_IMAGE_SERVER_HOST=0.0.0.0 \
    CODEX_IMAGE_SERVER_PORT=17341 \
    CODEX_IMAGE_SERVER_DATA_DIR=/data \
    CODEX_IMAGE_SERVER_OUTPUT_DIR=/output
USER 1000:1000
EXPOSE 17341
# /healthz and not /readyz: a server without a login is in order, and no restart would log it in. It is also
# cheap, while /readyz starts processes.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["bash", "-c", "\
    exec 3<>/dev/tcp/127.0.0.1/$CODEX_IMAGE_SERVER_PORT || exit 1; \
    printf 'GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\nConnection: close\\r\\n\\r\\n' \
        $CODEX_IMAGE_SERVER_PORT >&3; \
    read -r _ status _ <&3; \
    [ \"$status\" = 200 ]"]
# No entry point, so that "docker compose run server codex login" is what it looks like.
CMD ["deno", "run", "--cached-only", "--no-prompt", \
    "--allow-env", "--allow-run", "--allow-sys", "--allow-ffi=/deno-dir", "--allow-net=0.0.0.0,127.0.0.1", \
    "--allow-read=/auth,/data,/output", "--allow-write=/data,/output", "src/main.ts"]
