// Records what express-openapi-validator answers, for the golden files of `openapi/plan`:
//
//   node record/answers.js CONTRACT.yaml CASES.json
//
// writes the `answer` of every case anew. Before the validator stand the middlewares that its documentation asks for:
// bodies by their media type, cookies, uploads.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { parse as parseCookies } from 'cookie';
import express from 'express';
import OpenApiValidator from 'express-openapi-validator';
import yaml from 'js-yaml';
import { upstreamPath } from '../src/middleware/forward.js';

const [contractFile, casesFile] = process.argv.slice(2);
const document = yaml.load(readFileSync(contractFile, 'utf8'), { schema: yaml.JSON_SCHEMA });
const cases = JSON.parse(readFileSync(casesFile, 'utf8'));

const app = express();
app.disable('etag');
app.enable('strict routing');
app.enable('case sensitive routing');
app.use(express.json({ type: ['json', '+json'] }), express.urlencoded({ extended: false }), express.text());
app.use((req, _res, next) => {
  req.cookies = { ...parseCookies(req.headers.cookie ?? '') };
  next();
});
app.use(
  OpenApiValidator.middleware({
    apiSpec: structuredClone(document),
    // Without it no form could have a number.
    validateRequests: { coerceTypes: true },
    validateSecurity: false,
    validateResponses: false,
  }),
);
app.use((req, res) => res.json({ forwarded: forwarded(req) }));
app.use((error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ message: error.message, errors: error.errors ?? [] });
});

const server = app.listen(0, '127.0.0.1', async () => {
  try {
    for (const one of cases) one.answer = await answer(one);
    writeFileSync(casesFile, `[\n${cases.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`);
  } finally {
    server.close();
  }
});

function answer(one) {
  const body = one.body === undefined ? undefined : Buffer.from(one.body, one.base64 ? 'base64' : 'utf8');
  const headers = (one.headers ?? []).flat();
  if (body) headers.push('content-length', String(body.length));
  headers.push('host', 'gateway', 'connection', 'close');
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: one.method, path: one.path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const { forwarded: path, ...rest } = JSON.parse(Buffer.concat(chunks));
        resolve({ status: response.statusCode, ...(path ? { forwarded: path } : rest) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The target as the gateway sends it on, with the defaults of scalar query parameters. */
function forwarded(req) {
  const [path, query] = splitTarget(req.originalUrl);
  const operation = document.paths[req.openapi.openApiRoute][req.method.toLowerCase()];
  const defaults = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema }) => ({ name, value: schema?.default }))
    .filter(({ value }) => ['string', 'number', 'boolean'].includes(typeof value));
  return upstreamPath(path, query ?? '', query !== undefined, defaults);
}

function splitTarget(target) {
  const start = target.indexOf('?');
  return start === -1 ? [target] : [target.slice(0, start), target.slice(start + 1)];
}
