// What is driven, group by group: every endpoint that the stand-in serves, in the order in which records depend on each
// other. Each step is one case of one endpoint; `driver.mjs` checks and counts it.
import { File } from 'node:buffer';
import { control, receiver } from './standin.mjs';

const LATER_MS = 5_000;

// Gives what a probe gives as soon as it gives something.
async function until(what, probe) {
  const end = Date.now() + LATER_MS;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not happen within ${LATER_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Runs the groups; every one adds what later ones link to.
export async function groups(driver) {
  const made = {};
  const order = { users, fields, fieldsV1, pipelines, organizations, persons, products, deals, dealProducts, participants,
    leads, activities, notes, files, callLogs, webhooks, search, history, conversion, merges, archive };
  for (const [name, group] of Object.entries(order)) {
    const before = pairs(driver);
    await group(driver, made);
    console.log(`conformance: ${name}: ${pairs(driver) - before} pairs`);
  }
}

export const pairs = (driver) => [...driver.cases.values()].reduce((sum, cases) => sum + cases.size, 0);

// The five operations of API v2 on one kind of record.
async function five(driver, noun, { body, change, gone }) {
  const [one, many] = noun;
  const add = async (extra) => (await driver.ok('create', 'v2', `add${one}`, { body: { ...body, ...extra } })).data;
  const first = await add({});
  const more = [await add({}), await add({}), await add({})];
  await driver.ok('read', 'v2', `get${one}`, { id: first.id });
  await driver.ok('update', 'v2', `update${one}`, { id: first.id, body: change });
  await driver.refused('unknown key', 'v2', `add${one}`, { body: { ...body, no_such_key: 1 } }, 400);
  await driver.refused('unknown key', 'v2', `update${one}`, { id: first.id, body: { no_such_key: 1 } }, 400);
  if (gone !== false) await driver.ok('delete', 'v2', `delete${one}`, { id: more[2].id });
  const rows = await driver.pages('v2', `get${many}`, { sort_by: 'id', sort_direction: 'desc' });
  expect(rows[0].id > rows.at(-1).id, `${many} come in the order asked for`);
  return [first, more[0], more[1]];
}

function expect(holds, what) {
  if (!holds) throw new Error(`expected: ${what}`);
}

async function users(driver, made) {
  await control(driver.standin, 'users', { name: 'Bo Seller', email: 'bo@example.test' });
  const me = await driver.ok('read', 'v1', 'getCurrentUser');
  made.user = me.data.id;
  const all = await driver.ok('list', 'v1', 'getUsers');
  expect(all.data.length >= 2, 'both users');
  await driver.ok('read', 'v1', 'getUser', { id: made.user });
  const found = await driver.ok('by e-mail', 'v1', 'findUsersByName', { term: 'bo@example.test', search_by_email: 1 });
  made.other = found.data[0].id;
  await driver.ok('by name', 'v1', 'findUsersByName', { term: 'Bo' });
  const currencies = await driver.ok('list', 'v1', 'getCurrencies');
  expect(currencies.data.length > 5, 'currencies');
  await driver.ok('filter', 'v1', 'getCurrencies', { term: 'EUR' });
}

async function fields(driver, made) {
  made.codes = {};
  for (const owner of ['Organization', 'Person', 'Deal', 'Product']) {
    const add = async (name, type, more = {}) =>
      (await driver.ok('create', 'v2', `add${owner}Field`, { body: { field_name: name, field_type: type, ...more } })).data;
    const text = await add('Number', 'varchar');
    const choice = await add('Tier', 'enum', { options: [{ label: 'Gold' }, { label: 'Silver' }] });
    const kinds = ['text', 'double', 'monetary', 'set', 'user', 'org', 'people', 'phone', 'time', 'timerange', 'date',
      'daterange', 'address', 'varchar_auto'];
    for (const type of kinds) await add(type, type, type === 'set' ? { options: [{ label: 'A' }, { label: 'B' }] } : {});
    made.codes[owner] = { text: text.field_code, choice: choice.field_code, gold: choice.options[0].id };
    const place = { field_code: choice.field_code };
    await driver.ok('read', 'v2', `get${owner}Field`, place);
    await driver.ok('update', 'v2', `update${owner}Field`, { ...place, body: { field_name: 'Rank' } });
    await driver.refused('type', 'v2', `update${owner}Field`, { ...place, body: { field_type: 'text' } }, 400);
    await driver.refused('no options', 'v2', `add${owner}Field`, { body: { field_name: 'X', field_type: 'enum' } }, 400);
    const more = await driver.ok('create', 'v2', `add${owner}FieldOptions`, { ...place, body: [{ label: 'Bronze' }] });
    const id = more.data[0].id;
    await driver.ok('update', 'v2', `update${owner}FieldOptions`, { ...place, body: [{ id, label: 'Copper' }] });
    await driver.ok('delete', 'v2', `delete${owner}FieldOptions`, { ...place, body: [{ id }] });
    await driver.refused('unknown option', 'v2', `delete${owner}FieldOptions`, { ...place, body: [{ id }] }, 400);
    await driver.pages('v2', `get${owner}Fields`);
    const doomed = await add('Doomed', 'text');
    await driver.ok('delete', 'v2', `delete${owner}Field`, { field_code: doomed.field_code });
  }
  const activity = await driver.pages('v2', 'getActivityFields');
  await driver.ok('read', 'v2', 'getActivityField', { field_code: activity[0].field_code });
  made.priority = activity.find((one) => one.field_code === 'priority').options[0].id;
}

async function fieldsV1(driver) {
  for (const owner of ['Organization', 'Person', 'Deal', 'Product']) {
    const body = { name: 'Older', field_type: 'enum', options: [{ label: 'One' }, { label: 'Two' }] };
    const field = (await driver.ok('create', 'v1', `add${owner}Field`, { body })).data;
    await driver.ok('read', 'v1', `get${owner}Field`, { id: field.id });
    await driver.ok('update', 'v1', `update${owner}Field`, { id: field.id, body: { name: 'Old', options: field.options } });
    await driver.pages('v1', `get${owner}Fields`);
    await driver.ok('delete', 'v1', `delete${owner}Field`, { id: field.id });
    await driver.refused('unknown type', 'v1', `add${owner}Field`, { body: { name: 'X', field_type: 'bool' } }, 400);
  }
  await driver.pages('v1', 'getLeadFields');
}

async function pipelines(driver, made) {
  const [line] = await five(driver, ['Pipeline', 'Pipelines'], {
    body: { name: 'Sales', is_deal_probability_enabled: true },
    change: { name: 'Sales 2' },
  });
  made.pipeline = line.id;
  const [stage, next] = await five(driver, ['Stage', 'Stages'], {
    body: { name: 'Won soon', pipeline_id: line.id, deal_probability: 60, is_deal_rot_enabled: true, days_to_rotten: 9 },
    change: { name: 'Won sooner', deal_probability: 70 },
  });
  Object.assign(made, { stage: stage.id, next: next.id });
  const own = await driver.ok('filter', 'v2', 'getStages', { pipeline_id: line.id });
  expect(own.data.every((one) => one.pipeline_id === line.id), 'stages of one pipeline');
}

async function organizations(driver, made) {
  const { text, choice, gold } = made.codes.Organization;
  const [first, second, third] = await five(driver, ['Organization', 'Organizations'], {
    body: { name: 'Muster Ltd', owner_id: made.user, add_time: '2019-03-04T09:00:00Z', visible_to: 3,
      address: { value: '1 Main St, Springfield' }, website: 'https://example.test', annual_revenue: 100, employee_count: 7,
      custom_fields: { [text]: 'SRC-1', [choice]: gold } },
    change: { name: 'Muster Limited', custom_fields: { [text]: 'SRC-2' } },
  });
  Object.assign(made, { organization: first.id, organizations: [second.id, third.id] });
  await driver.ok('filter', 'v2', 'getOrganizations', { ids: `${first.id},${second.id}` });
  await driver.ok('filter by owner', 'v2', 'getOrganizations', { owner_id: made.user, updated_since: '2020-01-01T00:00:00Z' });
  await driver.ok('fields', 'v2', 'getOrganizations', { custom_fields: text });
  await driver.refused('order', 'v2', 'getOrganizations', { sort_by: 'name' }, 400);
}

async function persons(driver, made) {
  const { text } = made.codes.Person;
  const [first, second, third] = await five(driver, ['Person', 'Persons'], {
    body: { name: 'Ada Muster', org_id: made.organization, owner_id: made.user, add_time: '2019-03-04T09:00:00Z',
      emails: [{ value: 'ada@example.test', primary: true, label: 'work' }], phones: [{ value: '+1 555 0100', primary: true }],
      visible_to: 3, custom_fields: { [text]: 'SRC-P-1' } },
    change: { name: 'Ada B Muster' },
  });
  Object.assign(made, { person: first.id, persons: [second.id, third.id] });
  await driver.ok('filter', 'v2', 'getPersons', { org_id: made.organization });
  await driver.ok('since', 'v2', 'getPersons', { updated_since: '2020-01-01T00:00:00Z', sort_by: 'update_time' });
  await driver.refused('foreign id', 'v2', 'addPerson', { body: { name: 'X', org_id: 999_999 } }, 400);
}

async function products(driver, made) {
  const [first, second] = await five(driver, ['Product', 'Products'], {
    body: { name: 'Mug', code: 'M-1', unit: 'piece', tax: 8, prices: [{ currency: 'USD', price: 4.5, cost: 2 }],
      owner_id: made.user, visible_to: 3, custom_fields: { [made.codes.Product.text]: 'SRC-X-1' } },
    change: { name: 'Big mug' },
  });
  Object.assign(made, { product: first.id, products: [second.id] });
  await driver.ok('create', 'v2', 'duplicateProduct', { id: first.id });
  await driver.ok('filter', 'v2', 'getProducts', { ids: `${first.id}`, sort_by: 'name' });
}

async function deals(driver, made) {
  const { text, choice, gold } = made.codes.Deal;
  const [first, second, third] = await five(driver, ['Deal', 'Deals'], {
    body: { title: 'Demo order', value: 1250.5, currency: 'EUR', owner_id: made.user, person_id: made.person,
      org_id: made.organization, pipeline_id: made.pipeline, stage_id: made.stage, status: 'open', visible_to: 3,
      expected_close_date: '2026-12-01', custom_fields: { [text]: 'SRC-D-1', [choice]: gold } },
    change: { stage_id: made.next },
  });
  Object.assign(made, { deal: first.id, deals: [second.id, third.id] });
  await driver.ok('win', 'v2', 'updateDeal', { id: second.id, body: { status: 'won', won_time: '2020-01-31T10:00:00Z' } });
  await driver.ok('lose', 'v2', 'updateDeal', { id: third.id, body: { status: 'lost', lost_reason: 'price' } });
  for (const filter of [{ status: 'won' }, { stage_id: made.next }, { pipeline_id: made.pipeline }, { person_id: made.person },
    { org_id: made.organization }, { owner_id: made.user }, { ids: `${first.id}` }]) {
    const found = await driver.ok('filter', 'v2', 'getDeals', filter);
    expect(found.data.length > 0, `deals by ${JSON.stringify(filter)}`);
  }
  await driver.refused('unknown option', 'v2', 'addDeal', { body: { title: 'X', custom_fields: { [choice]: 999_999 } } }, 400);
  await driver.ok('create', 'v1', 'duplicateDeal', { id: first.id });
}

async function dealProducts(driver, made) {
  const line = { product_id: made.product, item_price: 4.5, quantity: 10, discount: 5, discount_type: 'percentage' };
  const one = (await driver.ok('create', 'v2', 'addDealProduct', { id: made.deal, body: line })).data;
  await driver.ok('create', 'v2', 'addManyDealProducts', { id: made.deal, body: { data: [line, line, line] } });
  await driver.ok('update', 'v2', 'updateDealProduct', { id: made.deal, product_attachment_id: one.id, body: { quantity: 3 } });
  const rows = await driver.pages('v2', 'getDealProducts', { id: made.deal });
  await driver.pages('v2', 'getDealsProducts', { deal_ids: [made.deal] });
  await driver.ok('delete', 'v2', 'deleteDealProduct', { id: made.deal, product_attachment_id: one.id });
  await driver.ok('delete', 'v2', 'deleteManyDealProducts', { id: made.deal, ids: `${rows.at(-1).id}` });
  const wrong = { data: [line, { ...line, product_id: 999_999 }] };
  await driver.refused('foreign id', 'v2', 'addManyDealProducts', { id: made.deal, body: wrong }, 400);
}

async function participants(driver, made) {
  for (const person_id of made.persons) await driver.ok('create', 'v1', 'addDealParticipant', { id: made.deal, body: { person_id } });
  const rows = await driver.pages('v1', 'getDealParticipants', { id: made.deal });
  await driver.ok('delete', 'v1', 'deleteDealParticipant', { id: made.deal, deal_participant_id: rows.at(-1).id });
  await driver.refused('foreign id', 'v1', 'addDealParticipant', { id: made.deal, body: { person_id: 999_999 } }, 400);
}

async function leads(driver, made) {
  const label = (await driver.ok('create', 'v1', 'addLeadLabel', { body: { name: 'Lukewarm', color: 'orange' } })).data;
  await driver.ok('update', 'v1', 'updateLeadLabel', { id: label.id, body: { color: 'red' } });
  await driver.ok('list', 'v1', 'getLeadLabels');
  await driver.ok('list', 'v1', 'getLeadSources');
  const body = { title: 'Maybe later', owner_id: made.user, person_id: made.person, organization_id: made.organization,
    label_ids: [label.id], value: { amount: 300, currency: 'EUR' }, expected_close_date: '2026-12-01', visible_to: '3',
    origin_id: 'SRC-L-1', was_seen: true };
  made.leads = [];
  for (let turn = 0; turn < 5; turn += 1) made.leads.push((await driver.ok('create', 'v1', 'addLead', { body })).data.id);
  await driver.ok('read', 'v1', 'getLead', { id: made.leads[0] });
  await driver.ok('update', 'v1', 'updateLead', { id: made.leads[0], body: { title: 'Sooner', value: null } });
  for (const id of made.leads.slice(3)) await driver.ok('archive', 'v1', 'updateLead', { id, body: { is_archived: true } });
  await driver.pages('v1', 'getLeads');
  await driver.pages('v1', 'getArchivedLeads');
  await driver.ok('filter', 'v1', 'getLeads', { person_id: made.person, sort: 'add_time' });
  await driver.ok('delete', 'v1', 'deleteLead', { id: made.leads.pop() });
  await driver.ok('delete', 'v1', 'deleteLeadLabel', { id: label.id });
  await driver.refused('no contact', 'v1', 'addLead', { body: { title: 'Alone' } }, 400);
  await driver.refused('foreign id', 'v1', 'addLead', { body: { title: 'X', person_id: 999_999 } }, 400);
  await driver.refused('unknown colour', 'v1', 'addLeadLabel', { body: { name: 'X', color: 'mauve' } }, 400);
}

async function activities(driver, made) {
  const type = (await driver.ok('create', 'v1', 'addActivityType', { body: { name: 'Site visit', icon_key: 'car', color: 'aabbcc' } })).data;
  await driver.ok('update', 'v1', 'updateActivityType', { id: type.id, body: { name: 'Visit', order_nr: 2 } });
  await driver.ok('list', 'v1', 'getActivityTypes');
  const [first] = await five(driver, ['Activity', 'Activities'], {
    body: { subject: 'Intro call', type: 'call', owner_id: made.user, deal_id: made.deal, org_id: made.organization,
      due_date: '2020-01-10', due_time: '09:30', duration: '00:20', done: true, note: '<p>Went well</p>', priority: made.priority,
      location: { value: '1 Main St' }, participants: [{ person_id: made.person, primary: true }],
      attendees: [{ email: 'x@example.test' }] },
    change: { subject: 'Second call', done: false },
  });
  made.activity = first.id;
  for (const filter of [{ deal_id: made.deal }, { person_id: made.person }, { org_id: made.organization }, { done: true }]) {
    await driver.ok('filter', 'v2', 'getActivities', filter);
  }
  await driver.refused('unknown type', 'v2', 'addActivity', { body: { subject: 'X', type: 'no_such_type' } }, 400);
  await driver.ok('delete', 'v1', 'deleteActivityType', { id: type.id });
}

async function notes(driver, made) {
  const body = { content: '<p>Old remark</p>', deal_id: made.deal, person_id: made.person, org_id: made.organization,
    user_id: made.user, add_time: '2018-05-06 07:08:09', pinned_to_deal_flag: 0 };
  const own = [];
  for (let turn = 0; turn < 3; turn += 1) own.push((await driver.ok('create', 'v1', 'addNote', { body })).data.id);
  await driver.ok('of a lead', 'v1', 'addNote', { body: { content: 'Of a lead', lead_id: made.leads[0] } });
  await driver.ok('read', 'v1', 'getNote', { id: own[0] });
  await driver.ok('update', 'v1', 'updateNote', { id: own[0], body: { content: 'New remark', pinned_to_deal_flag: 1 } });
  await driver.pages('v1', 'getNotes');
  await driver.ok('filter', 'v1', 'getNotes', { deal_id: made.deal, sort: 'id DESC' });
  await driver.ok('none', 'v1', 'getNotes', { project_id: 1 });
  const comments = [];
  for (let turn = 0; turn < 3; turn += 1) {
    comments.push((await driver.ok('create', 'v1', 'addNoteComment', { id: own[0], body: { content: 'Noted' } })).data.uuid);
  }
  const place = { id: own[0], commentId: comments[0] };
  await driver.ok('read', 'v1', 'getComment', place);
  await driver.ok('update', 'v1', 'updateCommentForNote', { ...place, body: { content: 'Well noted' } });
  await driver.pages('v1', 'getNoteComments', { id: own[0] });
  await driver.ok('delete', 'v1', 'deleteComment', { id: own[0], commentId: comments[2] });
  await driver.ok('delete', 'v1', 'deleteNote', { id: own[2] });
  await driver.refused('no parent', 'v1', 'addNote', { body: { content: 'Alone' } }, 400);
}

async function files(driver, made) {
  const content = 'Forty-two mugs\n';
  const upload = () => new File([content], 'list.txt', { type: 'text/plain' });
  const link = { deal_id: made.deal, person_id: made.person, org_id: made.organization };
  const first = (await driver.ok('create', 'v1', 'addFile', { file: upload(), ...link })).data;
  await driver.ok('of an activity', 'v1', 'addFile', { file: upload(), activity_id: made.activity });
  await driver.ok('of a lead', 'v1', 'addFile', { file: upload(), lead_id: made.leads[0] });
  const product = (await driver.ok('of a product', 'v1', 'addFile', { file: upload(), product_id: made.product })).data;
  await driver.ok('of a product', 'v1', 'addFile', { file: upload(), product_id: made.product });
  const second = (await driver.ok('create', 'v1', 'addFile', { file: upload(), ...link })).data;
  await driver.ok('read', 'v1', 'getFile', { id: first.id });
  await driver.ok('update', 'v1', 'updateFile', { id: first.id, name: 'Mugs.txt', description: 'How many' });
  const text = await driver.ok('download', 'v1', 'downloadFile', { id: product.id });
  expect(Buffer.from(text).toString() === content, 'the file comes back as it was sent');
  const remote = { item_type: 'deal', item_id: made.deal, remote_location: 'googledrive' };
  await driver.ok('remote', 'v1', 'addFileAndLinkIt', { ...remote, file_type: 'gdoc', title: 'Plan' });
  await driver.ok('link', 'v1', 'linkFileToItem', { ...remote, remote_id: 'abc123' });
  await driver.refused('elsewhere', 'v1', 'linkFileToItem', { ...remote, remote_id: 'a', remote_location: 'attic' }, 400);
  await driver.pages('v1', 'getFiles');
  for (const [id, of] of [[made.deal, 'Deal'], [made.person, 'Person'], [made.organization, 'Organization'], [made.product, 'Product']]) {
    await driver.pages('v1', `get${of}Files`, { id });
  }
  await driver.ok('delete', 'v1', 'deleteFile', { id: second.id });
}

async function callLogs(driver, made) {
  const body = { outcome: 'connected', to_phone_number: '+15550100', from_phone_number: '+15550101', subject: 'Call',
    start_time: '2020-01-10 09:30:00', end_time: '2020-01-10 09:50:00', duration: '1200', note: '<p>ok</p>',
    person_id: made.person, org_id: made.organization, deal_id: made.deal };
  const own = [];
  for (let turn = 0; turn < 3; turn += 1) own.push((await driver.ok('create', 'v1', 'addCallLog', { body })).data.id);
  await driver.ok('read', 'v1', 'getCallLog', { id: own[0] });
  await driver.pages('v1', 'getUserCallLogs');
  const file = () => new File(['RIFF'], 'call.wav', { type: 'audio/wav' });
  await driver.ok('create', 'v1', 'addCallLogAudioFile', { id: own[0], file: file() });
  await driver.refused('again', 'v1', 'addCallLogAudioFile', { id: own[0], file: file() }, 409);
  await driver.ok('delete', 'v1', 'deleteCallLog', { id: own[2] });
  await driver.refused('unknown outcome', 'v1', 'addCallLog', { body: { ...body, outcome: 'shouted' } }, 400);
}

async function webhooks(driver, made) {
  const ear = await receiver();
  const body = { subscription_url: ear.url, event_action: '*', event_object: 'deal', name: 'Watch', version: '2.0' };
  const hook = (await driver.ok('create', 'v1', 'addWebhook', { body })).data;
  await driver.ok('list', 'v1', 'getWebhooks');
  await driver.ok('heard', 'v2', 'updateDeal', { id: made.deal, body: { title: 'Heard of' } });
  const event = await until('the delivery of an event', () => ear.heard[0]);
  expect(event.meta.action === 'change' && event.data.title === 'Heard of', 'the event says what changed');
  expect(event.previous.title !== 'Heard of', 'the event says what was there before');
  await driver.ok('delete', 'v1', 'deleteWebhook', { id: hook.id });
  await driver.refused('unknown object', 'v1', 'addWebhook', { body: { ...body, event_object: 'moon' } }, 400);
  ear.stop();
}

async function search(driver, made) {
  const found = await until('the search of a deal', async () => {
    const { value } = await driver.send('v2', 'searchDeals', { term: 'Heard' });
    return value?.data?.items?.length ? value : undefined;
  });
  expect(found.data.items[0].item.id === made.deal, 'the deal that is meant');
  await driver.ok('search', 'v2', 'searchDeals', { term: 'Heard of', fields: 'title', exact_match: true });
  await driver.ok('search', 'v2', 'searchPersons', { term: 'ada@example.test', fields: 'email' });
  await driver.ok('search', 'v2', 'searchOrganization', { term: 'Muster' });
  await driver.ok('search', 'v2', 'searchProducts', { term: 'mug' });
  await driver.ok('search', 'v2', 'searchLeads', { term: 'Maybe' });
  await driver.ok('search', 'v2', 'searchItem', { term: 'Muster', item_types: 'organization,person' });
  const field = { entity_type: 'deal', match: 'exact', field: made.codes.Deal.text };
  await driver.ok('search', 'v2', 'searchItemByField', { term: 'SRC-D-1', ...field });
  for (const id of ['searchDeals', 'searchPersons', 'searchOrganization', 'searchProducts', 'searchLeads', 'searchItem']) {
    await driver.refused('short', 'v2', id, { term: 'x' }, 400);
  }
  await driver.refused('unknown entity', 'v2', 'searchItemByField', { term: 'SRC', ...field, entity_type: 'moon' }, 400);
}

async function history(driver, made) {
  for (const [of, id] of [['Deal', made.deal], ['Person', made.person], ['Organization', made.organization]]) {
    await driver.ok('list', 'v1', `get${of}Changelog`, { id });
    await driver.ok('pages', 'v1', `get${of}Changelog`, { id, limit: 1 });
  }
  const since = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  await driver.pages('v1', 'getRecents', { since_timestamp: since });
  for (const items of ['activity', 'deal', 'file', 'note', 'person', 'organization', 'pipeline', 'product', 'stage', 'user']) {
    await driver.ok(`of ${items}`, 'v1', 'getRecents', { since_timestamp: since, items });
  }
  await driver.refused('no instant', 'v1', 'getRecents', { since_timestamp: 'yesterday' }, 400);
}

async function conversion(driver, made) {
  const lead = made.leads[1];
  const asked = (await driver.ok('create', 'v2', 'convertLeadToDeal', { id: lead, body: { stage_id: made.stage } })).data;
  const deal = await until('the conversion of a lead', async () => {
    const place = { id: lead, conversion_id: asked.conversion_id };
    const { data } = await driver.ok('read', 'v2', 'getLeadConversionStatus', place);
    return data.status === 'completed' ? data.deal_id : undefined;
  });
  const back = (await driver.ok('create', 'v2', 'convertDealToLead', { id: deal })).data;
  await until('the conversion of a deal', async () => {
    const { data } = await driver.ok('read', 'v2', 'getDealConversionStatus', { id: deal, conversion_id: back.conversion_id });
    return data.status === 'completed' ? data.lead_id : undefined;
  });
}

async function merges(driver, made) {
  for (const [of, one] of [['Deals', 'deal'], ['Persons', 'person'], ['Organizations', 'organization']]) {
    const body = { merge_with_id: made[one] };
    // Which of the two lives on is no document's word; the answer tells.
    made[one] = (await driver.ok('merge', 'v1', `merge${of}`, { id: made[`${one}s`][0], body })).data.id;
  }
  for (const [id, of] of [['mergeDeals', made.deal], ['mergePersons', made.person], ['mergeOrganizations', made.organization]]) {
    await driver.refused('foreign id', 'v1', id, { id: of, body: { merge_with_id: 999_999 } }, 400);
  }
}

async function archive(driver, made) {
  for (let turn = 0; turn < 3; turn += 1) {
    const body = { title: `Old order ${turn}`, is_archived: true, person_id: made.person, org_id: made.organization };
    await driver.ok('archived', 'v2', 'addDeal', { body });
  }
  const rows = await driver.pages('v2', 'getArchivedDeals');
  await driver.pages('v1', 'getArchivedDeals');
  await driver.refused('archived', 'v2', 'updateDeal', { id: rows[0].id, body: { title: 'New' } }, 403);
}

// The cases that every endpoint has: no token, and an id that nothing has.
export async function everywhere(driver) {
  for (const { api, id, options } of [...driver.calls.values()]) {
    const { operation } = driver.apis.get(`${api} ${id}`);
    await driver.refused('no token', api, id, { ...options, token: 'wrong' }, 401);
    const ids = Object.entries(operation.ids);
    if (ids.length === 0) continue;
    const [key, { type, format }] = ids.at(-1);
    const foreign = type === 'integer' ? 999_999 : format === 'uuid' ? '00000000-0000-4000-8000-000000000000' : 'f'.repeat(40);
    await driver.refused('unknown id', api, id, { ...options, [key]: foreign }, 404);
  }
}
