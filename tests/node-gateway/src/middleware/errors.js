// The one place that turns errors into answers.
import { errorBody, Refusal } from '../refusal.js';
import { ClientGone } from '../upstream.js';

export function errors() {
  // Express knows an error handler by its four parameters.
  return (error, req, res, _next) => {
    if (error instanceof ClientGone || res.headersSent || req.socket.destroyed) return res.destroy();
    const refusal = asRefusal(error);
    req.refusalCause = refusal.cause;
    if (refusal.status === 500) req.log.error({ err: error }, 'unexpected error');
    res.status(refusal.status).set(refusal.headers);
    res.json(errorBody(req, refusal.message, refusal.errors));
  };
}

function asRefusal(error) {
  if (error instanceof Refusal) return error;
  // The validator's own errors carry a status and a list.
  if (Array.isArray(error.errors) && error.status >= 400 && error.status < 500) {
    return new Refusal(error.status, error.message, { errors: error.errors });
  }
  return new Refusal(500, 'internal server error', { errors: [], cause: error.message });
}
