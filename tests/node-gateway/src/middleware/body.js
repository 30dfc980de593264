// Takes the body of an operation that has one: its declared length, its media type, its bytes, its JSON.
// The bytes go upstream as they came; what is parsed is for the validator only.
import { isUtf8 } from 'node:buffer';
import { BodySchemaParser } from 'express-openapi-validator/dist/middlewares/parsers/body.parse.js';
import { ContentType } from 'express-openapi-validator/dist/middlewares/util.js';
import { Refusal, requestPath } from '../refusal.js';

/**
 * @param {number} limit in bytes
 * @param {boolean} parse whether anybody will look into the body
 */
export function body(limit, parse) {
  return async (req, _res, next) => {
    const { requestBody } = req.operation;
    // Without a declared body there is no media type to look at; the validator keys its cache by it.
    if (!requestBody) {
      delete req.headers['content-type'];
      return next();
    }
    if (Number(req.headers['content-length']) > limit) throw tooLarge();
    const mediaType = checkMediaType(req, requestBody);
    req.rawBody = await readBody(req, limit);
    if (parse && mediaType !== null) req.body = parseJson(req.rawBody);
    next();
  };
}

// The media type as the contract knows it, or null where a body may come without one.
function checkMediaType(req, requestBody) {
  const sent = ContentType.from(req);
  if (!sent.mediaType) {
    delete req.headers['content-type'];
    if (requestBody.required !== true) return null;
    throw new Refusal(415, 'media type not specified');
  }
  new BodySchemaParser().parse(requestPath(req), { requestBody }, sent);
  checkEncoding(req, sent);
  // The validator compiles and keeps one validator per value of this header: parameters that change nothing
  // would fill its cache without bound.
  req.headers['content-type'] = sent.mediaType;
  return sent.mediaType;
}

function checkEncoding(req, { parameters }) {
  const charset = (parameters.charset ?? 'utf-8').replace(/^"(.*)"$/, '$1');
  if (charset !== 'utf-8') throw new Refusal(415, `unsupported charset "${charset.toUpperCase()}"`);
  const encoding = (req.headers['content-encoding'] || 'identity').toLowerCase();
  if (encoding !== 'identity') throw new Refusal(415, 'content encoding unsupported');
}

function readBody(req, limit) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    const onData = (chunk) => {
      size += chunk.length;
      if (size <= limit) return chunks.push(chunk);
      // The answer does not wait for the rest, which flows away unread.
      req.off('data', onData);
      req.resume();
      reject(tooLarge());
    };
    req.on('data', onData);
    req.once('end', () => resolve(Buffer.concat(chunks, size)));
    req.once('error', reject);
  });
}

// As Express' JSON parser in its default, strict mode: an object or a list, and nothing at all is `{}`.
function parseJson(bytes) {
  if (bytes.length === 0) return {};
  if (!isUtf8(bytes)) throw malformed();
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  if (!/^[ \t\n\r]*[[{]/.test(text)) throw malformed();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
}

function malformed(error) {
  return new Refusal(400, 'malformed JSON body', { cause: error?.message });
}

function tooLarge() {
  return new Refusal(413, 'request entity too large');
}
