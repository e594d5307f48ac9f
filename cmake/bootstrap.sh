# Sourced by test/run, samples/run and .ci/run, which set $root: installs what is missing, builds.
#
#   need THING...      sees to it that each thing is there, or ends the script
#   want THING...      the same of what can be done without: installs it where that is known how
#   build WHAT         configures $root/build, if need be, and builds: tests or samples
#   run_ctest WORD...  ends with a line "N passed, M failed"; no test at all is a failure, too

set -eu

build_dir=$root/build

if command -v ninja >/dev/null; then
  default_generator=Ninja
else
  default_generator='Unix Makefiles'
fi

die() {
  echo "$*" >&2
  exit 1
}

# Shows what a command printed only if it failed or warned.
quietly() {
  result=0
  output=$("$@" 2>&1 </dev/null) || result=$?
  case $result$output in
  0*warning:* | [!0]*) printf '%s\n' "$output" >&2 ;;
  esac
  return $result
}

cores() {
  getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}

# things

has_command() {
  for word; do
    if command -v "$word" >/dev/null; then return 0; fi
  done
  return 1
}

can_include() {
  echo "#include <$2>" | $1 -E - >/dev/null 2>&1
}

is_there() {
  case $1 in
  cc) can_include "${CC:-cc}" stdlib.h ;;
  c++) can_include "${CXX:-c++} -x c++" vector ;;
  make) has_command ninja make ;;
  libuv) pkg-config --atleast-version=1.44 libuv 2>/dev/null ;;
  check) pkg-config --atleast-version=0.13 check 2>/dev/null ;;
  llhttp)
    pkg-config --exists libllhttp 2>/dev/null || [ -f /usr/include/llhttp.h ] ||
      [ -f /usr/share/llhttp/llhttp.c ]
    ;;
  libssl) pkg-config --exists openssl 2>/dev/null ;;
  *) has_command "$1" ;;
  esac
}

missing() {
  for thing; do
    is_there "$thing" || echo "$thing"
  done
}

# installing

debian_package() {
  case $1 in
  cc) echo gcc libc6-dev ;;
  c++) echo g++ ;;
  libuv) echo libuv1-dev ;;
  llhttp) # the library where there is one, else the sources that Debian 12 has
    if apt-cache show libllhttp-dev >/dev/null 2>&1; then echo libllhttp-dev; else echo node-llhttp; fi
    ;;
  libssl) echo libssl-dev ;;
  nginx) echo nginx-light ;;
  nm) echo binutils ;;
  *) echo "$1" ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif has_command sudo; then
    sudo "$@"
  else
    die "Missing: $things. Run this as root, or install it first."
  fi
}

apt() {
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@"
}

advise() {
  die "Missing: $*. Please install a C compiler and
  Fedora:  gcc cmake make pkgconf-pkg-config libuv-devel check-devel llhttp-devel openssl-devel
  Arch:    base-devel cmake libuv check llhttp openssl
  Alpine:  build-base cmake pkgconf libuv-dev check-dev llhttp-dev openssl-dev
  macOS:   brew install cmake pkgconf libuv check llhttp openssl"
}

need() {
  things=$(missing "$@" | tr '\n' ' ')
  if [ -z "$things" ]; then return; fi
  has_command apt-get || advise $things

  echo "Installing: $things" >&2
  apt update
  packages=
  for thing in $things; do
    packages="$packages $(debian_package "$thing")"
  done
  apt install --no-install-recommends $packages
  things=$(missing "$@" | tr '\n' ' ')
  if [ -n "$things" ]; then die "Still missing or too old: $things"; fi
  installed=yes
}

want() {
  if has_command apt-get && { [ "$(id -u)" = 0 ] || has_command sudo; }; then need "$@"; fi
}

# building

is_on() {
  grep -qs "^$1:BOOL=ON\$" "$build_dir/CMakeCache.txt"
}

is_configured() {
  [ -f "$build_dir/build.ninja" ] || [ -f "$build_dir/Makefile" ]
}

# Keeps the generator of an existing build.
configure() {
  if is_configured; then
    quietly cmake -S "$root" -B "$build_dir" "$@"
  else
    echo "Building weir in build/, which takes a moment the first time." >&2
    quietly cmake -S "$root" -B "$build_dir" -G "$default_generator" "$@"
  fi
}

# What has just been installed may be what an earlier configuration did without.
is_stale() {
  [ -n "${installed-}" ] || ! is_configured || ! is_on WEIR_BUILD_SAMPLES
}

build() {
  case $1 in
  tests)
    if is_stale || ! is_on BUILD_TESTING; then
      configure -DBUILD_TESTING=ON -DWEIR_BUILD_SAMPLES=ON
    fi
    quietly cmake --build "$build_dir" --parallel "$(cores)"
    ;;
  samples)
    if is_stale; then
      if is_there check; then testing=ON; else testing=OFF; fi
      configure -DBUILD_TESTING=$testing -DWEIR_BUILD_SAMPLES=ON
    fi
    quietly cmake --build "$build_dir" --parallel "$(cores)" --target samples
    ;;
  esac
}

# testing

run_ctest() {
  log=$build_dir/ctest.log
  ctest --output-on-failure --no-tests=error -j"$(cores)" "$@" 2>&1 | tee "$log"

  # "97% tests passed, 1 tests failed out of 40"; no such line when no test ran
  set -- $(sed -n 's/^.*passed, \([0-9]*\) tests* failed out of \([0-9]*\)$/\1 \2/p' "$log")
  failed_tests=${1:-0} all_tests=${2:-0}
  echo "$((all_tests - failed_tests)) passed, $failed_tests failed"
  [ "$all_tests" -gt 0 ] && [ "$failed_tests" -eq 0 ]
}
