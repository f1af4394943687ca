# syntax=docker/dockerfile:1
# The hub and its workers: one image, several commands. `docker build -t crossdock .`
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /build
COPY requirements/image.lock requirements/
RUN python -m venv /opt/crossdock \
 && /opt/crossdock/bin/pip install --quiet --no-compile --require-hashes --requirement requirements/image.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY deployments/example deployments/example
COPY templates templates
# What builds the package is in the lock, too, and stays behind.
RUN /opt/crossdock/bin/pip install --quiet --no-compile --no-deps --no-build-isolation . \
 && /opt/crossdock/bin/pip uninstall --quiet --yes hatchling editables

FROM python:${PYTHON}
RUN groupadd --gid 10001 crossdock \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin crossdock
COPY --from=build /opt/crossdock /opt/crossdock
# Nothing is written but to the database: the root file system may be read-only.
ENV PATH=/opt/crossdock/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CROSSDOCK_DEPLOYMENT=/etc/crossdock
USER 10001:10001
EXPOSE 8400 8401
ENTRYPOINT ["crossdock"]
CMD ["up"]
