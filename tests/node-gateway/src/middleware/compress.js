// Compresses answers of 1 KiB and more with gzip, and with nothing else: the clients of this API know no other.
import compression from 'compression';
import Negotiator from 'negotiator';

const THRESHOLD_BYTES = 1024;

export function compress() {
  const gzip = compression({ threshold: THRESHOLD_BYTES });
  return (req, res, next) => {
    // `compression` would choose brotli or deflate by itself; it is left the one choice it may make. The
    // upstream still gets the caller's own header, since forwarding reads the raw headers.
    const best = new Negotiator(req).encoding(['gzip', 'identity'], ['gzip']);
    req.headers['accept-encoding'] = best === 'gzip' ? 'gzip' : 'identity';
    gzip(req, res, next);
  };
}
