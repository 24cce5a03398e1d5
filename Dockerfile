# The dashboard for a class in a container; README tells how to use it. It was never built where it was written.
FROM python:3.11-slim

# The processor's build of torch, from PyTorch's own index: the usual one brings gigabytes for NVIDIA's cards.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PYTHONUTF8=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY . .

RUN useradd --create-home --uid 1000 minigpt && mkdir /data && chown minigpt /data
USER minigpt
ENV MINIGPT_HOME=/data OMP_NUM_THREADS=1
VOLUME /data
EXPOSE 8501

# What answers stands below the path of MINIGPT_ADDRESS, as in https://lab.example/gpt.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-m", "scripts.healthy"]

CMD ["python", "-m", "scripts.serve", "--server.port", "8501"]
