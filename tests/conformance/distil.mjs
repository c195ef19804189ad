// Distils the official OpenAPI documents of Pipedrive into contract.json: facts only, no descriptions and no examples.
//
// Run by hand when a new edition is published:
//   node tests/conformance/distil.mjs PUBLISHED pipedrive-v1.yaml pipedrive-v2.yaml
// The documents are those of developers.pipedrive.com; PUBLISHED is the day of the edition. Operations that the stand-in
// serves (its table is read from endpoints.rs) come whole; all others with method, path and cost, so that the table can be
// compared in both directions. One operation stands on one line.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const KEPT = ['enum', 'format', 'maxLength', 'minLength', 'maximum', 'minimum', 'maxItems', 'minItems'];
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const here = new URL('.', import.meta.url);

// What schemas promise, as JSON Schema: `nullable` becomes the type null, references and `allOf` are written out.
function facts(schema, document) {
  if (schema === undefined) return undefined;
  const whole = flat(schema, document);
  const out = {};
  if (whole.type) out.type = whole.nullable ? [whole.type, 'null'] : whole.type;
  for (const key of KEPT) if (whole[key] !== undefined) out[key] = whole[key];
  if (out.enum && whole.nullable && !out.enum.includes(null)) out.enum = [...out.enum, null];
  if (whole.properties) {
    out.properties = Object.fromEntries(
      Object.entries(whole.properties).map(([key, value]) => [key, facts(value, document)]),
    );
  }
  if (whole.required?.length) out.required = [...new Set(whole.required)];
  if (whole.items) out.items = facts(whole.items, document);
  if (typeof whole.additionalProperties === 'object') {
    out.additionalProperties = facts(whole.additionalProperties, document);
  } else if (whole.additionalProperties !== undefined) {
    out.additionalProperties = whole.additionalProperties;
  }
  for (const key of ['oneOf', 'anyOf']) {
    if (whole[key]) out.anyOf = whole[key].map((part) => facts(part, document));
  }
  if (out.anyOf && whole.nullable) out.anyOf.push({ type: 'null' });
  return out;
}

// A schema with its reference followed and the parts of its `allOf` laid over each other.
function flat(schema, document) {
  if (schema.$ref) {
    const path = schema.$ref.replace(/^#\//, '').split('/');
    return flat(path.reduce((place, key) => place[key], document), document);
  }
  if (!schema.allOf) return schema;
  const { allOf, ...own } = schema;
  return [...allOf, own].map((part) => flat(part, document)).reduce((whole, part) => ({
    ...whole,
    ...part,
    ...(whole.properties || part.properties ? { properties: { ...whole.properties, ...part.properties } } : {}),
    ...(whole.required || part.required ? { required: [...(whole.required ?? []), ...(part.required ?? [])] } : {}),
  }), {});
}

// The paths of an example: what the document shows, whether its schema names it or not. `[]` stands for every element, `*`
// for every id that is a key.
function paths(value, path = '', found = new Set()) {
  if (Array.isArray(value)) value.forEach((one) => paths(one, `${path}[]`, found));
  else if (value !== null && typeof value === 'object') {
    for (const [key, own] of Object.entries(value)) {
      const place = `${path}.${/^[0-9]+$/.test(key) ? '*' : key}`;
      found.add(place);
      paths(own, place, found);
    }
  }
  return found;
}

// The paths of a schema's keys, in the same words; alternatives all count.
function named(schema, path = '', found = new Set()) {
  for (const part of schema?.anyOf ?? []) named(part, path, found);
  if (schema?.items) named(schema.items, `${path}[]`, found);
  if (typeof schema?.additionalProperties === 'object') named(schema.additionalProperties, `${path}.*`, found);
  for (const [key, own] of Object.entries(schema?.properties ?? {})) {
    const place = `${path}.${/^[0-9]+$|^[A-Z]+_ID$/.test(key) ? '*' : key}`;
    found.add(place);
    named(own, place, found);
  }
  return found;
}

// What the examples of an answer show beyond its schema, and what its schema has that no example shows.
function shown(content, schema) {
  const examples = [content?.example, ...Object.values(content?.examples ?? {}).map((one) => one.value)].filter(Boolean);
  if (examples.length === 0) return {};
  const seen = new Set(examples.flatMap((one) => [...paths(one)]));
  const known = named(schema);
  const below = (path, all) => [...all].some((one) => path !== one && path.startsWith(one) && /[.[]/.test(path[one.length]));
  const more = [...seen].filter((path) => !known.has(path));
  const less = [...known].filter((path) => !seen.has(path));
  return {
    shown: more.filter((path) => !below(path, more)),
    unshown: less.filter((path) => !below(path, less)),
  };
}

function parameters(all, place, document) {
  const own = all.map((one) => flat(one, document)).filter((one) => one.in === place);
  return Object.fromEntries(own.map((one) => [one.name, { ...(one.required ? { needed: true } : {}), ...facts(one.schema, document) }]));
}

function operation(version, path, method, found, shared, document) {
  const all = [...shared, ...(found.parameters ?? [])];
  const line = {
    id: found.operationId,
    api: version,
    method: method.toUpperCase(),
    path: version === 'v2' ? `/api/v2${path}` : `/v1${path}`,
    tokens: found['x-token-cost'],
    ids: parameters(all, 'path', document),
    query: parameters(all, 'query', document),
  };
  const [bodyType, body] = Object.entries(found.requestBody?.content ?? {})[0] ?? [];
  if (body) Object.assign(line, { bodyType, body: facts(body.schema, document) });
  const answers = Object.entries(found.responses);
  const [status, answer] = answers.find(([code]) => code.startsWith('2')) ?? [];
  Object.assign(line, { status: Number(status), answer: facts(answer?.content?.['application/json']?.schema, document) });
  if (line.answer) Object.assign(line, shown(answer.content['application/json'], line.answer));
  line.refusals = answers.map(([code]) => Number(code)).filter((code) => code >= 400);
  return line;
}

const [published, ...files] = process.argv.slice(2);
if (!published || files.length !== 2) throw new Error('usage: distil.mjs PUBLISHED pipedrive-v1.yaml pipedrive-v2.yaml');
const table = readFileSync(new URL('../../src/standin/pipedrive/endpoints.rs', here), 'utf8');
const served = new Set([...table.matchAll(/line\("([A-Z]+)", "([^"]+)"/g)].map(([, method, path]) => `${method} ${path}`));
const sources = [];
const whole = [];
const others = [];
for (const file of files) {
  const document = parse(readFileSync(file, 'utf8'), { maxAliasCount: -1 });
  const version = document.servers[0].url.endsWith('/api/v2') ? 'v2' : 'v1';
  sources.push({ document: document.info.title, version: document.info.version, published });
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((one) => methods[one])) {
      const line = operation(version, path, method, methods[method], methods.parameters ?? [], document);
      const { id, api, method: verb, path: full, tokens } = line;
      if (served.has(`${verb} ${full}`)) whole.push(line);
      else others.push({ id, api, method: verb, path: full, tokens });
    }
  }
}
const lines = (rows) => rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
const text = `{
  "sources": ${JSON.stringify(sources)},
  "served": [
${lines(whole)}
  ],
  "others": [
${lines(others)}
  ]
}
`;
writeFileSync(new URL('contract.json', here), text);
const strange = [...served].filter((name) => !whole.some((line) => `${line.method} ${line.path}` === name));
console.log(`contract.json: ${whole.length} served, ${others.length} others, ${text.length} bytes; not in the documents: ${strange.join(', ') || 'none'}`);
