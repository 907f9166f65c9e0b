"""Makes ed25519_edges.json: signatures on which implementations of Ed25519 differ, computed with whole numbers alone.

Run with Python 3: python3 make_ed25519_edges.py. Each refused signature fits an equation that some implementation goes
by, so that nothing but the named rule can refuse it; a new run gives the same bytes.
"""

import hashlib
import json
import pathlib

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1)


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(n, p):
    total = NEUTRAL
    while n:
        total, p, n = add(total, p) if n & 1 else total, add(p, p), n >> 1
    return total


def with_y(y, sign):
    """The point with this y and this sign of x, or None."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if x * x % P != square:
        return None
    return (x if x & 1 == sign else -x % P), y


def write(p):
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def raw(y, sign):
    return (y | sign << 255).to_bytes(32, "little")


def challenge(r, key, message):
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def message_where(r, key, wanted):
    """The first message whose challenge is as wanted, modulo 8."""
    return next(m for m in (b"message %d" % n for n in range(1000)) if wanted(challenge(r, key, m) % 8))


BASE = with_y(4 * pow(5, -1, P) % P, 0)
a, r = 1234567890123456789012345678901234567890, 9876543210987654321098765432109876543210
KEY, R = times(a, BASE), times(r, BASE)
# A point of order 8: what is left of any point when its part of order L is taken away.
EIGHTH = next(p for p in (times(L, with_y(y, 0)) for y in range(2, 99) if with_y(y, 0)) if times(4, p) != NEUTRAL)

accepted, refused = [], []


def case(to, what, key, r_bytes, s, message):
    signature = r_bytes + s.to_bytes(32, "little")
    to.append({"what": what, "key": key.hex(), "message": message.hex(), "signature": signature.hex()})


def response(r_bytes, key, message, nonce=r, secret=a):
    return (nonce + challenge(r_bytes, key, message) * secret) % L


key, r_bytes = write(KEY), write(R)
case(accepted, "an ordinary signature", key, r_bytes, response(r_bytes, key, b"x"), b"x")
case(refused, "the scalar plus the group order", key, r_bytes, response(r_bytes, key, b"x") + L, b"x")
mixed = write(add(KEY, EIGHTH))
fitting = message_where(r_bytes, mixed, lambda k: k == 0)
case(accepted, "a key of mixed order where the equation holds without cofactor", mixed, r_bytes,
     response(r_bytes, mixed, fitting), fitting)
other = message_where(r_bytes, mixed, lambda k: k != 0)
case(refused, "a key of mixed order where the equation holds with cofactor alone", mixed, r_bytes,
     response(r_bytes, mixed, other), other)
shifted = write(add(R, EIGHTH))
case(refused, "a first half of mixed order, where the equation holds with cofactor alone", key, shifted,
     response(shifted, key, b"x"), b"x")
for n in range(8):
    small = times(n, EIGHTH)
    small_key = write(small)
    fitting = message_where(r_bytes, small_key, lambda k: times(k, small) == NEUTRAL)
    case(refused, f"a key of small order, {n} eighths", small_key, r_bytes, r, fitting)
    case(refused, f"a first half of small order, {n} eighths", key, small_key, response(small_key, key, b"x", 0), b"x")
second = {"p + 1 for 1": raw(P + 1, 0), "p for 0": raw(P, 0), "p for 0, with the sign": raw(P, 1),
          "x = 0 with a sign, y = 1": raw(1, 1), "x = 0 with a sign, y = -1": raw(P - 1, 1),
          "x = 0 with a sign, p + 1 for 1": raw(P + 1, 1)}
for what, odd in second.items():
    fitting = message_where(r_bytes, odd, lambda k: k % 4 == 0)
    case(refused, f"a key in a second writing: {what}", odd, r_bytes, r, fitting)
    case(refused, f"a first half in a second writing: {what}", key, odd, response(odd, key, b"x", 0), b"x")
# Nobody knows a scalar for these points, so no equation fits. What refuses them is seen where every equation passes.
for y in (y for y in range(2, 19) if with_y(y, 0) and times(8, with_y(y, 0)) != NEUTRAL):
    case(refused, f"a key in a second writing: p + {y}", raw(P + y, 0), r_bytes, r, b"x")
    case(refused, f"a first half in a second writing: p + {y}", key, raw(P + y, 0), r, b"x")
beyond = next(y for y in range(2, 99) if with_y(y, 0) is None)
case(refused, "a key that is no point of the curve", raw(beyond, 0), r_bytes, r, b"x")
case(refused, "a first half that is no point of the curve", key, raw(beyond, 0), r, b"x")

answers = {
    "source": "make_ed25519_edges.py beside this file; hexadecimal. RFC 8032 with the strict rules: canonical scalar "
              "and points, no small order, the equation without cofactor.",
    "accepted": accepted, "refused": refused,
}
path = pathlib.Path(__file__).with_name("ed25519_edges.json")
path.write_text(json.dumps(answers, indent=1) + "\n")
