# The image holds the binary, the list of root certificates and nothing that has to be looked after: SQLite, libpq and
# OpenSSL are built in. What changes lies in two volumes, so the root may be read-only. Name both: the keys of a cycle
# under way lie in the second, and an unnamed volume goes with its container.
#
#     docker build -t ejf .
#     docker run --read-only --tmpfs /tmp -v ejf-data:/data -v ejf-keys:/keys -p 8080:8080 -p 8081:8081 \
#         -e EJF_PUBLIC_URL=https://file.example -e EJF_BALLOT_PUBLIC_URL=https://box.example ejf
#
# The registry and the ballot box may run as two containers, "serve --only registry" and "serve --only box".

FROM rust:1.95-slim-bookworm AS builder
# Versions are not pinned: Debian's mirrors keep the newest of a release only.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends make perl \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The caches outlive a build, so the binary is taken out of its cache in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --release --locked --bin ejf \
    && install -D -m 0755 target/release/ejf /out/usr/local/bin/ejf \
    && install -d -m 0700 -o 10001 -g 10001 /out/data /out/keys

FROM debian:bookworm-slim
# Webhooks and log-in through another issuer are checked against the system's root certificates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=builder /out/ /

ENV EJF_BIND=0.0.0.0:8080 \
    EJF_BALLOT_BIND=0.0.0.0:8081 \
    EJF_DATABASE_URL=sqlite:///data/registry.db \
    EJF_BALLOT_DATABASE_URL=sqlite:///data/ballot.db \
    EJF_PUBLICATION_DIR=/data/public \
    EJF_AUDIT_DIR=/data/audit \
    EJF_EXPORT_DIR=/data/exports \
    EJF_KEY_DIR=/keys

# A number, not a name: an orchestrator that forbids root can check it.
USER 10001:10001
# The keys made on the first start go to ./data, which is /data from here.
WORKDIR /
# Two volumes: a key file beside the database would travel with every backup of it.
VOLUME ["/data", "/keys"]
EXPOSE 8080 8081
# Asks both listeners; where the container runs one half, override it with `ejf health --only registry` or `--only box`.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["ejf", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ejf"]
CMD ["serve"]
