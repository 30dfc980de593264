// Which headers pass the gateway. Raw header lists (name, value, name, value, …) are used in both
// directions, so that repeated headers and their order survive.

// RFC 9110, section 7.6.1, and the older names still seen.
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

// Set by the gateway itself, or not for the upstream's eyes; `expect` was answered by the gateway.
const NOT_FORWARDED = [
  'authorization',
  'content-length',
  'expect',
  'traceparent',
  'x-request-id',
  'x-user-id',
  'x-user-scopes',
];

// Of these a request has one; only the first, which was checked, goes on.
const SINGLE = ['host', 'content-type'];

const NOT_RETURNED = ['server', 'x-powered-by', 'x-request-id'];

/** The headers an upstream gets, as a raw list. */
export function upstreamHeaders(req) {
  const dropped = [...NOT_FORWARDED, ...(req.trace.continued ? [] : ['tracestate'])];
  const headers = withoutRepeats(endToEnd(req.rawHeaders, dropped));
  headers.push('x-request-id', req.id, 'traceparent', req.trace.traceparent);
  if (req.bearer?.user) headers.push('x-user-id', req.bearer.user);
  if (req.bearer?.scope) headers.push('x-user-scopes', req.bearer.scope);
  return headers;
}

/** The headers a caller gets, as a list of [name, values]. */
export function answerHeaders(rawHeaders) {
  const headers = endToEnd(rawHeaders, NOT_RETURNED);
  const grouped = new Map();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i].toLowerCase();
    grouped.set(name, [...(grouped.get(name) ?? []), headers[i + 1]]);
  }
  return [...grouped].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
}

function endToEnd(rawHeaders, alsoDropped) {
  const dropped = new Set([...HOP_BY_HOP, ...alsoDropped, ...namedByConnection(rawHeaders)]);
  const kept = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!dropped.has(rawHeaders[i].toLowerCase())) kept.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  return kept;
}

function withoutRepeats(rawHeaders) {
  const seen = new Set();
  const kept = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    if (SINGLE.includes(name) && seen.has(name)) continue;
    seen.add(name);
    kept.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  return kept;
}

function namedByConnection(rawHeaders) {
  const names = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].toLowerCase() !== 'connection') continue;
    names.push(...rawHeaders[i + 1].split(',').map((name) => name.trim().toLowerCase()));
  }
  // A Host that a caller declared to be hop-by-hop is still the one header a request cannot go without.
  return names.filter((name) => name !== 'host');
}
