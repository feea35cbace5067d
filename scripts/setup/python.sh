# The virtual environment with the kit itself, versions pinned by constraints.txt.
# Sourced by main.sh.

install_kit() {
  say "Python packages into .venv"
  [ -x .venv/bin/pip ] || python3 -m venv .venv
  local pip=(.venv/bin/pip install -q --disable-pip-version-check --no-compile -c constraints.txt)
  "${pip[@]}" scikit-build-core pybind11
  # The native programs are built by `make native`; here the Python package alone is linked into
  # the environment.
  "${pip[@]}" --no-build-isolation --config-settings=wheel.cmake=false \
    -e '.[kit,test,lint,notebooks,examples]'
}

if ! have python3; then
  say "Python 3 is missing: nothing of the kit can run."
  say "Install python3 and python3-venv, then run make setup again"
  exit 3
fi
[ -x .venv/bin/chinwag ] || rm -f "$TOOLCHAIN/stamps/python"
if ! once python pyproject.toml constraints.txt -- install_kit; then
  say "the Python packages could not be installed (see above):"
  say "check the network or the package index, then run make setup again"
  exit 3
fi
