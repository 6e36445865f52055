# An image of the checks: `docker build -t opscheck .`, then see docs/kubernetes.md. BASE is Debian, or what you make of it,
# for example with the certificates of your own network.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS system
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates openssh-client python3 tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM system AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv
RUN python3 -m venv /opt/opscheck
WORKDIR /src
COPY . .
RUN /opt/opscheck/bin/pip install -q --no-cache-dir '.[notify]'

FROM system
COPY --from=build /opt/opscheck /opt/opscheck
# The folder of the inventory; reports/ is there, so that a volume mounted on it belongs to the user as well.
RUN useradd --uid 10001 --create-home opscheck && install -d -o opscheck -g opscheck /checks /checks/reports
# pytest keeps no cache: the root file system may be read-only.
ENV PATH=/opt/opscheck/bin:$PATH PYTEST_ADDOPTS="-p no:cacheprovider" PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /checks
ENTRYPOINT ["opscheck"]
CMD ["run", "daily"]
