// Reads the OpenAPI document and makes the gateway's route table of it: which operation a request is for,
// who may call it, whether it has a body, which query defaults it has and which upstream serves it.
import { readFileSync } from 'node:fs';
import yaml from 'js-yaml';
import { UPSTREAMS } from './config.js';
import { reason, StartupError } from './startup-error.js';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Operations the gateway answers itself. */
export const OWN_OPERATIONS = ['health', 'ready'];

/** The parsed document and the path items of its operations, concrete paths before templated ones. */
export function loadContract(file) {
  let document;
  try {
    // The JSON schema of YAML: a date stays the string that the document's author wrote.
    document = yaml.load(readFileSync(file, 'utf8'), { schema: yaml.JSON_SCHEMA });
  } catch (error) {
    if (error.code) throw new StartupError(`cannot read the contract ${file} (CONTRACT): ${reason(error)}`);
    throw new StartupError(`the contract ${file} (CONTRACT) is not YAML: ${error.message.split('\n')[0]}`);
  }
  if (!document?.openapi?.startsWith?.('3.') || typeof document.paths !== 'object') {
    throw new StartupError(`the contract ${file} (CONTRACT) is not an OpenAPI 3 document with paths`);
  }
  return { document, pathItems: pathItems(document) };
}

/**
 * What a request is for: `{operation}`, `{malformed}`, `{allow}` when only the method is wrong, or `{}`.
 * Paths are compared byte for byte: case counts, so does a slash at the end.
 */
export function findRoute(pathItems, method, path) {
  for (const item of pathItems) {
    const match = item.pattern.exec(path);
    if (!match) continue;
    if (!match.slice(1).every(isDecodable)) return { malformed: true };
    const operation = item.operations.find((candidate) => candidate.method === method);
    return operation ? { operation } : { allow: item.operations.map((candidate) => candidate.method) };
  }
  return {};
}

function pathItems(document) {
  const base = new URL(document.servers?.[0]?.url ?? '/', 'http://gateway').pathname.replace(/\/$/, '');
  const items = Object.entries(document.paths).map(([template, item]) => ({
    template: base + template,
    pattern: pattern(base + template),
    operations: Object.entries(item)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => describe(document, template, method, item, operation)),
  }));
  // OpenAPI 3.1, "Path Templating Matching": concrete definitions are matched before templated ones.
  return items.sort((a, b) => (rank(a.template) < rank(b.template) ? -1 : 1));
}

function describe(document, template, method, item, operation) {
  const where = `${method.toUpperCase()} ${template}`;
  if (!operation.operationId) throw new StartupError(`${where} in the contract has no operationId`);
  const requestBody = operation.requestBody && resolve(document, operation.requestBody);
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    upstream: upstreamOf(operation),
    security: requirements(document, operation),
    requestBody,
    queryDefaults: queryDefaults(document, item, operation),
  };
}

function upstreamOf(operation) {
  if (OWN_OPERATIONS.includes(operation.operationId)) return undefined;
  const tag = operation.tags?.find((candidate) => UPSTREAMS.includes(candidate));
  if (!tag) {
    throw new StartupError(
      `operation ${operation.operationId} in the contract has none of the tags ${UPSTREAMS.join(', ')}: no upstream serves it`,
    );
  }
  return tag;
}

// The scopes of each alternative: one of the lists must be held in full. No alternatives: public.
// `null` stands for the empty requirement `{}`, by which a token is optional.
function requirements(document, operation) {
  return (operation.security ?? document.security ?? []).map((requirement) => {
    const schemes = Object.entries(requirement);
    for (const [name] of schemes) {
      const scheme = document.components?.securitySchemes?.[name];
      if (scheme?.type !== 'http' || scheme.scheme?.toLowerCase() !== 'bearer') {
        throw new StartupError(
          `operation ${operation.operationId} in the contract uses the security scheme ${name}: only http bearer is supported`,
        );
      }
    }
    return schemes.length === 0 ? null : schemes.flatMap(([, scopes]) => scopes);
  });
}

// Operation level before path level, which is the order of the validator's merged list.
function queryDefaults(document, item, operation) {
  const own = (operation.parameters ?? []).map((parameter) => resolve(document, parameter));
  const shared = (item.parameters ?? [])
    .map((parameter) => resolve(document, parameter))
    .filter((parameter) => !own.some((other) => other.name === parameter.name));
  return [...own, ...shared]
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, schema }) => ({ name, value: schema && resolve(document, schema).default }))
    .filter(({ value }) => ['string', 'number', 'boolean'].includes(typeof value));
}

function resolve(document, value) {
  let node = value;
  for (let depth = 0; node?.$ref !== undefined; depth += 1) {
    const target = node.$ref.startsWith('#/') && depth < 16 ? lookUp(document, node.$ref) : undefined;
    if (target === undefined)
      throw new StartupError(`the contract refers to ${node.$ref}, which is not in it`);
    node = target;
  }
  return node;
}

function lookUp(document, reference) {
  return reference
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((node, key) => node?.[key], document);
}

function pattern(template) {
  const parts = template.split(/\{[^}]+\}/).map((literal) => literal.replace(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('([^/]+)')}$`);
}

function rank(template) {
  return template.replace(/\{[^}]+\}/g, '\u{10ffff}');
}

function isDecodable(value) {
  try {
    decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}
