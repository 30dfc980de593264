// Answers the operations that are the gateway's own.
import { Refusal } from '../refusal.js';

/** @param {Record<string, import('../upstream.js').Upstream>} upstreams */
export function ownOperations(upstreams) {
  return (req, res, next) => {
    if (req.operation.id === 'health') return res.json({ status: 'ok' });
    if (req.operation.id !== 'ready') return next();
    const open = Object.values(upstreams).filter((upstream) => upstream.isOpen);
    if (open.length === 0) return res.json({ status: 'ready' });
    throw new Refusal(503, 'not ready', {
      errors: [],
      headers: { 'retry-after': String(open[0].retryAfterSeconds) },
      cause: `circuit open: ${open.map((upstream) => upstream.name).join(', ')}`,
    });
  };
}
