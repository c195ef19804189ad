// Where answers of the stand-in differ from the official documents on purpose, each with its reason. `run.mjs` fails for any
// difference that is not here, and for any row here that is not the case any more.
//
// "Recorded" means: seen in recorded answers of the real service of May 2026 (see recordings.rs).

// Keys that the document has, and the answer has not.
export const missing = [
  {
    at: /api\/v2\/persons/,
    keys: ['postal_address', 'notes', 'im', 'birthday', 'job_title'].flatMap((key) => [`.data.${key}`, `.data[].${key}`]),
    why: 'they exist only once somebody has set up contact sync; before that the service refuses them (seen on live accounts)',
  },
  { at: /\/v1\/users/, keys: ['.data.activated', '.data[].activated'], why: 'no recorded user has it' },
  {
    at: /GET \/v1\/(notes|files|notes\/\{id\}\/comments)$/,
    keys: ['.additional_data.pagination.next_start'],
    why: 'the last page has none (recorded)',
  },
];

// Keys that the answer has, and the document has not, neither in the schema nor in its example.
export const unknown = [
  { at: /\/v1\/users/, keys: ['.data.is_admin', '.data[].is_admin', '.additional_data'], why: 'recorded' },
  {
    at: /\/v1\/deals\/\{id\}\/(duplicate|merge)$|\/v1\/deals\/archived|\/v1\/recents/,
    keys: ['local_won_date', 'local_lost_date', 'local_close_date', 'sequence_enrollment', 'source_lead_id', 'archive_time']
      .flatMap((key) => [`.data.${key}`, `.data[].${key}`, `.data[].data.${key}`])
      .filter((key) => key !== '.data[].archive_time'),
    why: 'recorded for deals of API v1',
  },
  {
    at: /\/v1\/persons\/\{id\}\/merge$|\/participants$|\/v1\/recents/,
    keys: ['.data.delete_time', '.data.primary_email', '.data.person.delete_time', '.data.person.primary_email',
      '.data[].person.delete_time', '.data[].person.primary_email', '.data[].data.delete_time', '.data[].data.primary_email'],
    why: 'recorded for persons of API v1',
  },
  {
    at: /\/participants$|\/v1\/deals\/archived/,
    keys: ['.data.person.org_id.owner_name', '.data[].person.org_id.owner_name', '.related_objects.organization',
      '.related_objects.organization.*.label_ids', '.related_objects.organization.*.owner_name',
      '.related_objects.person.*.company_id', '.data[].person_id.company_id', '.data[].org_id.label_ids',
      '.data[].org_id.owner_name'],
    why: 'recorded for the links and related objects of API v1',
  },
  { at: /\/v1\/leads/, keys: ['.data.archive_time', '.data[].archive_time', '.additional_data.pagination'], why: 'recorded' },
  { at: /\/v1\/notes/, keys: ['.data.lead', '.data[].lead'], why: 'recorded' },
  {
    at: /\/v2\/activities/,
    keys: ['.data.outcome', '.data[].outcome'],
    why: 'the official client 33.7.0 has it, the document of August 2026 has not',
  },
  {
    at: /\/v1\/recents/,
    keys: ['is_recurring', 'lead', 'lead_title', 'original_start_time', 'priority', 'private', 'type_name'].map((key) => `.data[].data.${key}`),
    why: 'recorded for activities of API v1',
  },
  {
    at: /\/v1\/recents/,
    keys: ['address_country_code', 'website', 'linkedin', 'industry', 'annual_revenue', 'employee_count']
      .map((key) => `.data[].data.${key}`),
    why: 'recorded for organizations of API v1',
  },
  { at: /\/v1\/recents/, keys: ['.data[].data.product_variations'], why: 'recorded for products of API v1' },
  {
    at: /\/v1\/recents/,
    keys: ['file_type', 'log_id', 'project_id', 'project_name', 'pinned_to_lead_flag'].map((key) => `.data[].data.${key}`),
    why: 'files and notes have them by the examples of their own endpoints, and no example of this one shows such a row',
  },
  {
    at: /\/v1\/recents/,
    keys: ['.additional_data.pagination.next_start'],
    why: 'other lists of API v1 show where the next page begins; here the document is silent',
  },
];

// Answers that the compiled types of the client do not allow.
export const compiled = [
  {
    at: /^v1 getRecents: /,
    why: 'the client declares a row as every kind of record at once, so that no answer can be one',
  },
  {
    at: /^v2 searchProducts: Type 'string' is not assignable to type 'number'/,
    why: 'the code of a product is a text by the type of products, and a number by that of the search',
  },
];

// Types and values that the schema does not allow.
export const types = [
  {
    at: /deals\/search .*item\/value must be integer/,
    why: 'a deal of 1250.5 has that value; the schema of the search says integer, that of deals number',
  },
  {
    at: /products\/search .*item\/code must be integer/,
    why: 'the code of a product is a text by the schema of products; the schema of the search says integer',
  },
];
