# docker build -t avouch .
FROM rust:1-bookworm AS build
# xmlsec verifies SAML signatures; samael's bindings to it are generated with libclang.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libxmlsec1-dev libxml2-dev libssl-dev libclang-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The queries were checked against .sqlx; no database at build time.
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked --bin avouch

FROM debian:bookworm-slim
# Upstream TLS is verified against the system's authorities; SAML signatures with the system's xmlsec.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libxmlsec1-openssl libxmlsec1 libxml2 libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/avouch --create-home --shell /usr/sbin/nologin avouch
COPY --from=build /src/target/release/avouch /usr/local/bin/avouch

USER avouch
WORKDIR /var/lib/avouch
VOLUME /var/lib/avouch
ENV AVOUCH_DATA_DIR=/var/lib/avouch \
    AVOUCH_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["avouch", "healthcheck"]
ENTRYPOINT ["avouch"]
CMD ["serve"]
