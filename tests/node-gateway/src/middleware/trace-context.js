// Continues the caller's trace or starts one (W3C Trace Context, level 1: version 00 only).
import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

export function traceContext() {
  return (req, _res, next) => {
    req.trace = continueTrace(req.headers.traceparent, randomId);
    next();
  };
}

/** `{id, traceparent, continued}`; `randomId(bytes)` gives non-zero lower-case hex. */
export function continueTrace(sent, randomId) {
  const match = TRACEPARENT.exec(sent ?? '');
  const id = match ? match[1] : randomId(16);
  const flags = match ? match[2] : '01';
  return { id, traceparent: `00-${id}-${randomId(8)}-${flags}`, continued: match !== null };
}

function randomId(bytes) {
  for (;;) {
    const id = randomBytes(bytes);
    if (id.some((byte) => byte !== 0)) return id.toString('hex');
  }
}
