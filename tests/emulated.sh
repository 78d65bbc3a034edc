#!/usr/bin/env bash
# Simulates a few patients on emulated processors, ARM ones among them, and compares their bytes
# with those made here: `make emulated`. Needs Debian on x86-64 with its package qemu-user, and no
# root. The ARM system (Debian's Python, PyPI's NumPy and SciPy) stays in build/arm64.
#   tests/emulated.sh [SEEDS]     4 patients a seed (1); minutes for each processor
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-1}
arm=$PWD/build/arm64
python=python$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ARM=(cortex-a72 neoverse-n1 max)     # max: with SVE
X86=(Nehalem SandyBridge Haswell)    # without AVX, with it, with AVX2 and FMA
unset OPENBLAS_CORETYPE
export OMP_NUM_THREADS=1 PYTHONPATH=$PWD PYTHONDONTWRITEBYTECODE=1

unpack_arm() {
  rm -rf "$arm" && mkdir -p "$arm"/{debs,lists/partial,cache/archives/partial}
  printf '%s\n' 'APT::Architecture "arm64";' 'APT::Architectures {"arm64";};' \
    "Dir::State::Lists \"$arm/lists\";" "Dir::Cache \"$arm/cache\";" \
    'Dir::State::status "/dev/null";' 'APT::Sandbox::User "";' > "$arm/apt.conf"
  export APT_CONFIG=$arm/apt.conf
  apt-get update -qq
  (cd "$arm/debs" && apt-get download -qq "$python-minimal" "lib$python-minimal" \
    "lib$python-stdlib" libc6 libgcc-s1 libstdc++6 libffi8 libexpat1 zlib1g)
  for deb in "$arm"/debs/*.deb; do dpkg -x "$deb" "$arm/sysroot"; done
  # shellcheck disable=SC2046
  python -m pip install -q --no-deps --only-binary :all: --target "$arm/sysroot/site" \
    --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 \
    $(python -m pip freeze | grep -E '^(numpy|scipy)==')
  touch "$arm/unpacked"
}

compare() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" tests/patient_hashes.py "$seeds" 2> "$arm/said" | diff "$arm/here" - > "$arm/apart"; then
    echo "$name: all $(wc -l < "$arm/here") patients have the bytes made here"
  else
    echo "$name: other bytes, or none" && cat "$arm/said" "$arm/apart" && failed=1
  fi
}

if ! command -v qemu-aarch64 > /dev/null; then
  echo "qemu-aarch64 is not there; on Debian, install the package qemu-user" >&2
  exit 1
fi
failed=0
[ -e "$arm/unpacked" ] || unpack_arm
python tests/patient_hashes.py "$seeds" > "$arm/here"
for cpu in "${ARM[@]}"; do
  PYTHONPATH=$PWD:$arm/sysroot/site compare "aarch64 $cpu" \
    qemu-aarch64 -cpu "$cpu" -L "$arm/sysroot" "$arm/sysroot/usr/bin/$python"
done
for cpu in "${X86[@]}"; do
  compare "x86-64 $cpu" qemu-x86_64 -cpu "$cpu" "$(command -v python)"
done
exit "$failed"
