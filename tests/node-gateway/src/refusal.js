// A request the gateway refuses, and the one shape in which it says so.

/** Thrown by any middleware; the error handler turns it into the answer. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message for the caller
   * @param {{errors?: object[], headers?: Record<string, string>, cause?: unknown}} [details]
   *   `errors` defaults to one entry with the request's path; `cause` is for the log only
   */
  constructor(status, message, { errors, headers = {}, cause } = {}) {
    super(message, { cause });
    this.name = 'Refusal';
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }
}

/** The request's path as it was sent, without the query. */
export function requestPath(req) {
  return req.originalUrl.split('?', 1)[0];
}

/** The client's raw query string, without the question mark. */
export function rawQuery(req) {
  const start = req.originalUrl.indexOf('?');
  return start === -1 ? '' : req.originalUrl.slice(start + 1);
}

export function errorBody(req, message, errors) {
  return { message, errors: errors ?? [{ path: requestPath(req), message }], requestId: req.id };
}
