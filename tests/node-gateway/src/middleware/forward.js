// Sends the request to its upstream and the answer back.

import querystring from 'node:querystring';
import { pipeline } from 'node:stream/promises';
import { answerHeaders, upstreamHeaders } from '../headers.js';
import { Refusal, rawQuery, requestPath } from '../refusal.js';
import { discard, UpstreamFailure } from '../upstream.js';

// Answers of an upstream that speak of what stands behind it pass; its own crashes do not.
const PASSED_SERVER_ERRORS = [502, 503, 504];

/** @param {Record<string, import('../upstream.js').Upstream>} upstreams */
export function forward(upstreams) {
  return async (req, res) => {
    const upstream = upstreams[req.operation.upstream];
    const response = await upstream.send(upstreamRequest(req, res)).catch((error) => {
      throw asRefusal(error, upstream);
    });
    if (response.status >= 500 && !PASSED_SERVER_ERRORS.includes(response.status)) {
      discard(response);
      throw new Refusal(502, 'upstream error', {
        errors: [],
        cause: `${upstream.name} answered ${response.status}`,
      });
    }
    res.status(response.status);
    for (const [name, value] of answerHeaders(response.headers)) res.setHeader(name, value);
    try {
      await pipeline(response.body, res);
    } catch (error) {
      // Too late for another answer: the pipeline has cut the connection, which tells the caller.
      req.refusalCause = error.message;
    }
  };
}

/** The target with the operation's query defaults behind the caller's own query, which stays as it is. */
export function upstreamPath(path, query, hadQuery, defaults) {
  const sent = querystring.parse(query);
  const added = defaults
    .filter(({ name }) => sent[name] === undefined)
    .map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  const parts = query === '' ? added : [query, ...added];
  return parts.length > 0 || hadQuery ? `${path}?${parts.join('&')}` : path;
}

function upstreamRequest(req, res) {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const headers = upstreamHeaders(req);
  const hadQuery = req.originalUrl.includes('?');
  const request = {
    operation: req.operation.id,
    method: req.method,
    path: upstreamPath(requestPath(req), rawQuery(req), hadQuery, req.operation.queryDefaults),
    headers,
    body: req.rawBody?.length > 0 ? req.rawBody : null,
    replayable: true,
    signal: gone.signal,
  };
  if (!req.operation.requestBody && hasPayload(req)) streamBody(req, request);
  return request;
}

// A body the contract does not know of is nobody's business here: it flows through.
function streamBody(req, request) {
  request.body = req;
  request.replayable = false;
  const length = req.headers['content-length'];
  if (length !== undefined) request.headers.push('content-length', length);
}

function hasPayload(req) {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

function asRefusal(error, upstream) {
  if (!(error instanceof UpstreamFailure)) return error;
  const cause = `${upstream.name}: ${error.message}`;
  if (error.kind === 'timeout') return new Refusal(504, 'upstream timeout', { errors: [], cause });
  if (error.kind === 'unavailable') return new Refusal(502, 'upstream unavailable', { errors: [], cause });
  const headers = { 'retry-after': String(upstream.retryAfterSeconds) };
  return new Refusal(503, 'upstream circuit open', { errors: [], headers, cause });
}
