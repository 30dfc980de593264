// Prints data/messages.json anew, each case with the errors that ajv reports: node tests/conformance/messages.mjs
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../node-gateway/package.json', import.meta.url));
const Ajv = require('ajv/dist/2020').default;

const cases = JSON.parse(await readFile(new URL('data/messages.json', import.meta.url), 'utf8'));
const lines = cases.map(({ schema, instance }) => {
  const validate = new Ajv({ strict: false }).compile(schema);
  validate(instance);
  const errors = (validate.errors ?? []).map(({ keyword, instancePath, message, params }) => {
    const member = params.missingProperty ?? params.additionalProperty ?? params.unevaluatedProperty;
    // express-openapi-validator names the values that are allowed.
    const text = keyword === 'enum' ? `${message}: ${params.allowedValues.join(', ')}` : message;
    return { keyword, path: member ? `${instancePath}/${member}` : instancePath, message: text };
  });
  return `  ${JSON.stringify({ schema, instance, errors })}`;
});
console.log(`[\n${lines.join(',\n')}\n]`);
