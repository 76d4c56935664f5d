# pixelrl on a CPU, from the wheel that `nox -s dist` leaves in dist/:
#   docker build --tag pixelrl .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/pictures" pixelrl edit photo.jpg --task denoising --out better.jpg
# Built and run by buildah 1.28, on a bare Debian 12 (Python 3.11) in place of the base below and with
# a wheel of torch without CUDA from disk: 1.6 GB above the base. docs/releasing.md asks for the real one.
FROM python:3.12-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 HOME=/tmp
COPY constraints.txt dist/*.whl /tmp/install/
# Torch's own index has builds without CUDA, gigabytes smaller.
RUN pip install --constraint /tmp/install/constraints.txt \
      --extra-index-url https://download.pytorch.org/whl/cpu /tmp/install/*.whl \
 && rm -r /tmp/install
WORKDIR /pictures
ENTRYPOINT ["pixelrl"]
CMD ["--help"]
