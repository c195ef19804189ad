// Holds an answer against the schema that the official document has for its operation.
//
// Wrong types and enum values are errors, and so is a key that the document requires. Two kinds of difference are kept
// apart, because the documents themselves are loose there: keys that the document has and the answer has not, and keys that
// the answer has and the document has not. Both must stand in differences.mjs with their reason.
//
// Null passes for every key that is not required: the documents mark few keys as nullable, and recorded answers of the
// real service have null in many others.
import Ajv from 'ajv';

// A custom field's key in API v1, with its part; the documents name none.
const CUSTOM_KEY = /^[0-9a-f]{40}(_[a-z0-9_]+)?$/;

// A key of a schema that stands for every id.
const ID_KEY = /^[A-Z]+_ID$/;

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const compiled = new Map();

// The schema with null allowed wherever nothing is required.
function loose(schema, required) {
  if (!schema) return {};
  const out = { ...schema };
  if (out.properties) {
    const needed = new Set(out.required ?? []);
    out.properties = Object.fromEntries(
      Object.entries(out.properties).map(([key, value]) => [key, loose(value, needed.has(key))]),
    );
  }
  if (out.items) out.items = loose(out.items, true);
  if (out.anyOf) out.anyOf = out.anyOf.map((one) => loose(one, required));
  if (typeof out.additionalProperties === 'object') out.additionalProperties = loose(out.additionalProperties, false);
  if (!required) {
    if (out.type) out.type = [...new Set([out.type, 'null'].flat())];
    if (out.enum && !out.enum.includes(null)) out.enum = [...out.enum, null];
    if (out.anyOf) out.anyOf = [...out.anyOf, { type: 'null' }];
  }
  return out;
}

// Errors of an answer; empty if it keeps what the document promises.
export function errors(operation, answer) {
  const key = `${operation.method} ${operation.path}`;
  if (!compiled.has(key)) compiled.set(key, ajv.compile(loose(operation.answer, true)));
  const validate = compiled.get(key);
  if (validate(answer)) return [];
  return validate.errors.map((error) => `${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`);
}

// The same for a whole answer, less what the examples of the document settle: keys that they show are known, and keys that the
// schema has and no example shows need not be there.
export function differences(operation, answer) {
  const { missing, unknown } = keys(operation.answer, answer);
  const under = (path, all = []) => all.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  return {
    missing: [...missing].filter((path) => !under(path, operation.unshown)),
    unknown: [...unknown].filter((path) => !under(path, operation.shown)),
  };
}

// The keys in which an answer and its schema differ, as paths in which `[]` stands for every element.
function keys(schema, value, path = '', found = { missing: new Set(), unknown: new Set() }) {
  if (!schema || value === null || typeof value !== 'object') return found;
  if (schema.anyOf) {
    const parts = schema.anyOf.filter((one) => ajv.validate(loose(one, true), value));
    // The part with the fewest differences is the one that is meant.
    const tried = parts.map((one) => keys(one, value, path)).sort((a, b) => size(a) - size(b));
    if (tried.length > 0) merge(found, tried[0]);
    return found;
  }
  if (Array.isArray(value)) {
    for (const one of value) keys(schema.items, one, `${path}[]`, found);
    return found;
  }
  const known = schema.properties ?? {};
  const open = schema.additionalProperties;
  const ids = Object.keys(known).find((key) => ID_KEY.test(key));
  for (const key of Object.keys(known)) {
    if (key === ids) continue;
    if (!(key in value)) found.missing.add(`${path}.${key}`);
    else keys(known[key], value[key], `${path}.${key}`, found);
  }
  for (const key of Object.keys(value)) {
    if (key in known || CUSTOM_KEY.test(key)) continue;
    if (ids && /^[0-9]+$/.test(key)) {
      keys(known[ids], value[key], `${path}.*`, found);
      continue;
    }
    if (typeof open === 'object') keys(open, value[key], `${path}.*`, found);
    else if (open !== true && Object.keys(known).length > 0) found.unknown.add(`${path}.${key}`);
  }
  return found;
}

const size = (found) => found.missing.size + found.unknown.size;

function merge(into, from) {
  for (const key of from.missing) into.missing.add(key);
  for (const key of from.unknown) into.unknown.add(key);
}
