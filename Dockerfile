# Build: docker build -t antevox .
# Run:   docker run --network host -v antevox-data:/data antevox
FROM rust:1.94-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake pkg-config libpocketsphinx-dev libsphinxbase-dev pocketsphinx-en-us flite1-dev libespeak-ng-dev espeak-ng-data \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY dialplans dialplans
COPY fixtures fixtures
COPY models models
RUN cargo build --release --locked \
 && target/release/antevox models get en-us-8k \
 && target/release/antevox models get en-us-16k

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpocketsphinx3 libsphinxbase3 pocketsphinx-en-us libflite1 libespeak-ng1 espeak-ng-data ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /opt/antevox antevox \
 && install -d -o antevox /data
WORKDIR /opt/antevox
COPY --from=build /src/target/release/antevox /usr/local/bin/antevox
COPY --from=build /src/models models
COPY dialplans dialplans
COPY fixtures fixtures
USER antevox
VOLUME /data
EXPOSE 5060/udp 5060/tcp 8080/tcp 20000-29999/udp
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s CMD curl -fsS http://127.0.0.1:8080/health || exit 1
ENTRYPOINT ["antevox"]
CMD ["serve", "--data", "/data", "--http", "0.0.0.0:8080"]
