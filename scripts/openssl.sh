# shellcheck shell=bash
# Sourced by scripts/test and .ci/run, so that both build with one OpenSSL: a change of OPENSSL_NO_VENDOR between two
# cargo calls would compile everything above OpenSSL again.
#
# OpenSSL is built from source by default, which needs perl and make and takes minutes. Where the system has usable
# headers its own library is taken instead. openssl-sys finds it through pkg-config (or OPENSSL_DIR), so headers that
# only lie in /usr/include are no help: the build would stop where the vendored one would have passed.

# Succeeds where a C program builds against the system's OpenSSL, 3.0.8 or newer, and links.
system_openssl_is_usable() {
    local flags binary
    if [ -n "${OPENSSL_DIR:-}" ]; then
        flags="-I$OPENSSL_DIR/include -L$OPENSSL_DIR/lib -L$OPENSSL_DIR/lib64 -lssl -lcrypto"
    else
        command -v pkg-config >/dev/null || return 1
        flags=$(pkg-config --cflags --libs openssl 2>/dev/null) || return 1
    fi
    binary=$(mktemp) || return 1
    # The flags are a list of words and are meant to be split.
    # shellcheck disable=SC2086
    if "${CC:-cc}" -x c -o "$binary" - $flags >/dev/null 2>&1 <<'C'
#include <openssl/opensslv.h>
#include <openssl/evp.h>
#if OPENSSL_VERSION_NUMBER < 0x30000080L
#error "OpenSSL 3.0.8 or newer is needed"
#endif
int main(void) { return EVP_sha384() == 0; }
C
    then
        rm -f "$binary"
    else
        rm -f "$binary"
        return 1
    fi
}

# Exports OPENSSL_NO_VENDOR=1 where the system's OpenSSL serves; a value that the caller set stands.
choose_openssl() {
    if [ -n "${OPENSSL_NO_VENDOR:-}" ]; then
        return 0
    fi
    if system_openssl_is_usable; then
        export OPENSSL_NO_VENDOR=1
    fi
}
