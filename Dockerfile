# One image for every process: migration, gateway, workers.
FROM python:3.12-slim AS build
RUN python -m venv /opt/ovation
COPY requirements.production.lock /
RUN /opt/ovation/bin/pip install --no-cache-dir --require-hashes -r /requirements.production.lock

FROM python:3.12-slim
RUN useradd --system --create-home ovation && \
    printf '#!/bin/sh\nexec python -m starter.cli.main "$@"\n' > /usr/local/bin/ovation && \
    chmod +x /usr/local/bin/ovation
COPY --from=build /opt/ovation /opt/ovation
ENV PATH=/opt/ovation/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OVATION_HOST=0.0.0.0
WORKDIR /app
COPY . .
USER ovation
CMD ["ovation", "serve"]
