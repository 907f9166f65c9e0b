"""Checks the signature of a delivery as Standard Webhooks 1.0 has it, and no more: for receivers to copy.

python3 webhook.py SECRET < delivery.json, a JSON object of `id`, `timestamp`, `signature` and `body` as they came.
Exit 0 where one of the signatures is that of the secret, 1 where none is.
"""

import base64
import hashlib
import hmac
import json
import sys


def is_signed(secret, message_id, timestamp, signatures, body):
    """A receiver also refuses a timestamp that is more than five minutes off."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in signatures.split(" "))


if __name__ == "__main__":
    came = json.load(sys.stdin)
    is_right = is_signed(sys.argv[1], came["id"], came["timestamp"], came["signature"], came["body"].encode())
    sys.exit(0 if is_right else 1)
