# shellcheck shell=bash
# Sourced by scripts/test and scripts/with-postgres, which take from the distribution what a machine lacks. The script
# that sources it has a function `fail`.

# install_package PACKAGE WHAT ADVICE: installs a Debian package where there is apt and the right to use it; otherwise
# ends the run, says that there is no WHAT here, and gives the advice.
install_package() {
    local package=$1 what=$2 advice=$3 become_root=()
    command -v apt-get >/dev/null || fail "no $what and no apt-get here: $advice"
    if [ "$(id -u)" -ne 0 ]; then
        if ! { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; then
            fail "no $what here and no right to install it: $advice"
        fi
        become_root=(sudo -n)
    fi
    printf '%s: no %s here, installing the package "%s"\n' "scripts/${0##*/}" "$what" "$package" >&2
    if ! { ${become_root[@]+"${become_root[@]}"} apt-get update -qq &&
        ${become_root[@]+"${become_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$package"; } >&2; then
        fail "apt-get could not install the package \"$package\": $advice"
    fi
}
