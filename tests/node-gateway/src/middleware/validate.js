// Checks parameters and body against the contract with express-openapi-validator.
import querystring from 'node:querystring';
import OpenApiValidator from 'express-openapi-validator';
import { Refusal, rawQuery } from '../refusal.js';
import { StartupError } from '../startup-error.js';

/** The validator's middlewares; rejects when it does not accept the contract. */
export async function createValidator(app, document) {
  const middlewares = OpenApiValidator.middleware({
    apiSpec: structuredClone(document), // the validator rewrites what it is given
    validateSecurity: false,
    validateResponses: false,
    fileUploader: false,
  });
  // The first one waits for the compiled contract and passes its failure on: run by hand, it tells at start
  // what would otherwise fail each request.
  await new Promise((resolve, reject) => {
    middlewares[0]({ app }, {}, (error) => (error ? reject(error) : resolve()));
  }).catch((error) => {
    throw new StartupError(`the contract is not accepted: ${error.message.split('\n')[0]}`);
  });
  return [refuseBrackets, ...middlewares];
}

// The validator would unfold `a[b]=c` into an object that no parameter of this API wants, and fails with a
// TypeError on some of them. Such names are unknown, as any other that the contract does not have.
function refuseBrackets(req, _res, next) {
  const name = Object.keys(querystring.parse(rawQuery(req))).find((candidate) => candidate.includes('['));
  if (name !== undefined) {
    const message = `Unknown query parameter '${name}'`;
    throw new Refusal(400, message, { errors: [{ path: `/query/${name}`, message }] });
  }
  next();
}
