//! The blind-review protocol, pure: bytes in, bytes out; the same code for server, box, client and auditor.
