# The serving image: the core and the service, no torch, no transformers, no compiler.
#   docker build -t stancewire .
#   docker run -p 8000:8000 stancewire            # answers with the release in serving/release
#   docker run --read-only --tmpfs /tmp -p 8000:8000 -v stancewire-cache:/var/cache/stancewire \
#     -e MLFLOW_TRACKING_URI=http://mlflow:5000 stancewire

FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY stancewire stancewire
COPY data data
COPY serving serving
COPY training training
# The environment holds what runs and not even pip; the final stage copies it whole.
# The wheel is named by its path: by its name, an index could answer with another's.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && WHEEL=$(echo /wheels/stancewire-*.whl) \
    && python -m venv --without-pip /opt/stancewire \
    && pip --python /opt/stancewire/bin/python install --no-cache-dir \
        --constraint constraints.txt "${WHEEL}[serve]"

FROM python:3.11-slim
# Nothing is written outside the cache volume and /tmp, so the root file system may be read-only.
ENV PATH=/opt/stancewire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GIT_PYTHON_REFRESH=quiet \
    STANCEWIRE_CACHE=/var/cache/stancewire
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent stancewire \
    && install --directory --owner stancewire --mode 750 /var/cache/stancewire
COPY --from=build /opt/stancewire /opt/stancewire
VOLUME /var/cache/stancewire
USER 10001
EXPOSE 8000
# Alive, not ready: a restart does not bring back a registry that is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["stancewire", "serve", "--host", "0.0.0.0"]
