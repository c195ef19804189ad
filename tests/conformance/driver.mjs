// One call of the official client at a time: finds the method by its operation, sends, checks the answer, counts the case.
import axios from 'axios';
import { v1, v2 } from 'pipedrive';
import { readFileSync } from 'node:fs';
import { differences, errors } from './check.mjs';

export const contract = JSON.parse(readFileSync(new URL('contract.json', import.meta.url), 'utf8'));

export class Driver {
  // `created` is the status of creates of API v2 where the document says 200; live accounts may say 201.
  constructor(standin, created = 200) {
    this.standin = standin;
    this.created = created;
    this.cases = new Map();
    this.problems = [];
    this.answers = [];
    this.missing = new Map();
    this.unknown = new Map();
    this.calls = new Map();
    this.apis = new Map();
    for (const [name, version] of [['v1', v1], ['v2', v2]]) {
      for (const operation of contract.served.filter((one) => one.api === name)) {
        this.apis.set(`${name} ${operation.id}`, { operation, api: this.api(version, name, operation.id) });
      }
    }
  }

  // The part of the client that has a method; the one that is not in beta, where both have it.
  api(version, name, method) {
    const parts = Object.entries(version).filter(([key, part]) => key.endsWith('Api') && method in (part.prototype ?? {}));
    if (parts.length === 0) throw new Error(`the client has no ${name} ${method}`);
    const [, Part] = parts.find(([key]) => key !== 'BetaApi') ?? parts[0];
    return Part;
  }

  // Calls an operation; gives the HTTP status, and the answer as the client gives it, resolved or rejected.
  async send(api, id, { body, token = this.standin.token, ...rest } = {}) {
    const { operation, api: Part } = this.apis.get(`${api} ${id}`) ?? missing(api, id);
    const version = api === 'v1' ? v1 : v2;
    const basePath = `${this.standin.address}/${api === 'v1' ? 'v1' : 'api/v2'}`;
    const part = new Part(new version.Configuration({ apiKey: token, basePath }));
    const seen = {};
    part.axios.defaults.transformResponse = [
      (data, headers, status) => {
        Object.assign(seen, { status, type: headers['content-type'] });
        return data;
      },
      ...[axios.defaults.transformResponse].flat(),
    ];
    const named = { ...rest };
    if (body !== undefined) named[bodyName(part[id])] = body;
    // Arguments in the order of the document; the body of DELETE …/options has a name of its own too.
    const answer = await part[id](named).then((value) => ({ value }), (error) => ({ error: readable(error) }));
    return { operation, ...seen, ...answer };
  }

  // A call that must succeed: the answer keeps the promises of the document, and the case is counted.
  async ok(name, api, id, options = {}) {
    const { operation, status, value, error } = await this.send(api, id, options);
    const place = `${operation.method} ${operation.path} (${name})`;
    if (error !== undefined) {
      // What comes next needs it.
      throw new Error(`${place}: refused with ${status}: ${text(error)}`);
    }
    const creates = api === 'v2' && operation.method === 'POST' && operation.status === 200 && id.startsWith('add');
    const expected = creates && !/Field/.test(id) ? this.created : operation.status;
    if (status !== expected) this.problems.push(`${place}: status ${status}, not ${expected}`);
    if (operation.answer) {
      for (const problem of errors(operation, value)) this.problems.push(`${place}: ${problem}`);
      this.note(operation, value);
      this.answers.push({ api, part: this.apis.get(`${api} ${id}`).api.name, id, value });
    }
    this.count(operation, name);
    this.calls.set(`${operation.method} ${operation.path}`, { api, id, options });
    return value;
  }

  // A call that must be refused with a status and the documented envelope.
  async refused(name, api, id, options, expected) {
    const { operation, status, value, error } = await this.send(api, id, options);
    const place = `${operation.method} ${operation.path} (${name})`;
    if (value !== undefined) return void this.problems.push(`${place}: accepted`);
    if (status !== expected) this.problems.push(`${place}: status ${status}, not ${expected}: ${text(error)}`);
    const problem = envelope(operation, status, error);
    if (problem) this.problems.push(`${place}: ${problem}: ${text(error)}`);
    this.count(operation, name);
  }

  // Walks all pages with a small limit and compares them with one large page.
  async pages(api, id, options = {}) {
    const whole = await this.ok('list', api, id, { ...options, limit: this.largest(api, id) });
    const rows = whole.data ?? [];
    if (!Array.isArray(rows)) throw new Error(`${id} gives no list`);
    const limit = Math.max(1, Math.ceil(rows.length / 3));
    const seen = [];
    let place = {};
    for (let turn = 0; turn <= rows.length; turn += 1) {
      const page = await this.ok('pages', api, id, { ...options, ...place, limit });
      if ((page.data ?? []).length > limit) this.problems.push(`${id} (pages): more rows than the limit`);
      seen.push(...(page.data ?? []));
      const next = page.additional_data?.next_cursor;
      const pagination = page.additional_data?.pagination ?? page.additional_data;
      if (next) place = { cursor: next };
      else if (pagination?.more_items_in_collection) place = { start: pagination.next_start };
      else break;
    }
    if (rows.length < 2) this.problems.push(`${id} (pages): ${rows.length} rows are no proof of paging`);
    if (JSON.stringify(seen) !== JSON.stringify(rows)) {
      this.problems.push(`${id} (pages): ${seen.length} rows by pages, ${rows.length} rows at once, or in another order`);
    }
    return rows;
  }

  largest(api, id) {
    const { operation } = this.apis.get(`${api} ${id}`);
    if (id === 'getUserCallLogs') return 50;
    return operation.query.limit?.maximum ?? 100;
  }

  note(operation, value) {
    const place = `${operation.method} ${operation.path}`;
    const found = differences(operation, value);
    for (const [all, own] of [[this.missing, found.missing], [this.unknown, found.unknown]]) {
      if (!all.has(place)) all.set(place, new Map());
      for (const key of own) all.get(place).set(key, true);
    }
  }

  count(operation, name) {
    const place = `${operation.method} ${operation.path}`;
    if (!this.cases.has(place)) this.cases.set(place, new Set());
    this.cases.get(place).add(name);
  }
}

// A download that is refused comes as bytes.
const readable = (error) => (Buffer.isBuffer(error) ? JSON.parse(error.toString()) : error);

function missing(api, id) {
  throw new Error(`contract.json has no ${api} ${id}`);
}

// The argument in which a method of the client takes its body: the one with a capital.
function bodyName(method) {
  const found = method.toString().match(/requestParameters\.([A-Z]\w*|\w*Request\w*)/);
  if (!found) throw new Error(`the client's method takes no body: ${method.toString().slice(0, 80)}`);
  return found[1];
}

// What is wrong with the envelope of a refusal (OpenAPI documents, "Responses"; gateway: seen on live accounts).
function envelope(operation, status, body) {
  if (typeof body !== 'object' || body === null) return 'no JSON object';
  if (body.success !== false) return '`success` is not false';
  if (operation.path.includes('/webhooks') && status !== 401) return body.errors || body.error ? '' : 'no `errors`';
  if (typeof body.error !== 'string' || body.error === '') return '`error` is no text';
  if (status === 401) return body.errorCode === 401 ? '' : '`errorCode` is not 401';
  if (operation.path.includes('/convert/') && status === 404) return '';
  if (operation.api === 'v2') return typeof body.code === 'string' ? '' : '`code` is no text';
  if (typeof body.error_info !== 'string') return '`error_info` is no text';
  return body.data === null && body.additional_data === null ? '' : '`data` and `additional_data` are not null';
}

const text = (value) => (value instanceof Error ? value.stack : JSON.stringify(value))?.slice(0, 400);
