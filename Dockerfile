# The dashboard, and `lcz`, in a container; docs/deploy.md says how. Untried: no Docker was at hand where it was written.
#   docker build -t lczlib .                                      for processors
#   docker build -t lczlib --build-arg TORCH_INDEX=URL .          for a card: the index that PyTorch's page names
FROM python:3.11-slim

# rasterio's wheels take libexpat from the system, and slim images have none
RUN apt-get update && apt-get install -y --no-install-recommends libexpat1 && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/lczlib
# torch by itself first, as `make env` does it: the layer stays while only lczlib changes
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt ./
RUN pip install --no-cache-dir --constraint constraints.txt --index-url ${TORCH_INDEX} torch

COPY pyproject.toml README.md CHANGELOG.md CITATION.cff LICENSE ./
COPY lczlib lczlib
COPY app app
COPY data_catalog data_catalog
RUN pip install --no-cache-dir --constraint constraints.txt '.[acquire,app,train,export,sar,stations,field,cluster]'

# a user who owns nothing but the cache; all else may be read-only
RUN useradd --uid 10001 --create-home lcz && install -d -o lcz /var/lib/lcz-app
USER lcz
ENV LCZLIB_CACHE=/var/lib/lcz-app MPLCONFIGDIR=/tmp NUMBA_CACHE_DIR=/tmp
VOLUME /var/lib/lcz-app
WORKDIR /home/lcz
EXPOSE 5006
ENTRYPOINT ["lcz"]
CMD ["--help"]
