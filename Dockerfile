# One image for all that runs in staging and production: webserver, daemon, code location, runs.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PATH=/opt/venv/bin:$PATH DO_NOT_TRACK=1
WORKDIR /srv/vending
COPY pyproject.toml requirements.lock requirements-uv.lock ./
# What is locked, and only as far as it is needed: no test tool gets in.
RUN python -m venv /opt/venv \
  && python -m pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-uv.lock \
  && uv pip install --no-cache --compile-bytecode --require-hashes --constraint requirements.lock \
       --requirement pyproject.toml --extra production --extra service --extra databases --extra lake --extra redshift \
       --extra analysis --extra forecasts
COPY vending_platform vending_platform
COPY dbt_project dbt_project
COPY deployment/dagster.yaml deployment/workspace.yaml deployment/
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable .
# The contracts, as dbt reads them: a code location that finds them here does not start dbt at all.
RUN python -c "from pathlib import Path; from vending_platform import catalog, environment; \
  catalog.load_catalog(environment.DBT_PROJECT_DIR, Path('scratch/manifest'))"

FROM python:${PYTHON}-slim
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/vending /srv/vending
WORKDIR /srv/vending
# The code belongs to root. To who runs it belong the folders of its work, with the contracts, which nobody else may read.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin vending \
  && mkdir -p scratch/ingestion /srv/dagster \
  && cp deployment/dagster.yaml /srv/dagster/ \
  && chown -R vending scratch /srv/dagster
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp DAGSTER_HOME=/srv/dagster PGSSLMODE=verify-full \
  DO_NOT_TRACK=1 PYTHONUNBUFFERED=1
# Which commit this is; a version that staging verifies is remembered with it.
ARG REVISION=
ENV VENDING_REVISION=${REVISION}
USER 10001
CMD ["dagster", "api", "grpc", "--host", "0.0.0.0", "--port", "4000", "--location-name", "vending", \
  "--module-name", "vending_platform.definitions", "--attribute", "definitions"]
