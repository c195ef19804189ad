// Drives the simulated Pipedrive with the official client and holds every answer against the official documents.
//
//   node tests/conformance/run.mjs [path of the crossdock binary]
//
// Prints one line per group and ends with the count of endpoint × case pairs; any difference that differences.mjs does not
// name is printed and makes it end with 1.
import { contract, Driver } from './driver.mjs';
import { everywhere, groups, pairs } from './steps.mjs';
import { control, start } from './standin.mjs';
import { compiled, missing, types, unknown } from './differences.mjs';
import { broken } from './promises.mjs';

const binary = process.argv[2] ?? new URL('../../target/debug/crossdock', import.meta.url).pathname;
// Plan: one with visibility groups. No limits, because they are tested elsewhere; no lags, so that nothing is waited for.
const settings = { unlimited: true, plan: 'premium', search_lag_seconds: 0, conversion_seconds: 0, google_drive: true,
  organization_profile: true };
// What no document says has a switch in the stand-in (README.md lists them): everything is driven under both readings.
const readings = {
  first: {},
  second: { created_status: 201, merge_keeps_path_id: true, webhook_ids_as_text: false, label_options_in_v2: true,
    strict_leads: true, new_pipeline_stages: true, products_set_value: false, stage_mismatch_refused: true,
    back_dating_needs_admin: true, archived_needs_room: true, charge_refused: true },
};

// Differences that no row of the table names, and rows that nothing bears out any more.
function unnamed(found, table, kind) {
  const used = new Set();
  const problems = [];
  for (const [place, own] of found) {
    for (const key of own.keys()) {
      const row = table.find((one) => one.at.test(place) && one.keys.includes(key));
      if (row) used.add(`${table.indexOf(row)} ${key}`);
      else problems.push(`${place}: ${kind} ${key}`);
    }
  }
  table.forEach((row, place) => row.keys.forEach((key) => {
    if (!used.has(`${place} ${key}`)) problems.push(`differences.mjs: ${kind} ${key} of ${row.at} is not the case any more`);
  }));
  return problems;
}

// Problems that no row of a table names, and rows that nothing bears out any more.
function unstated(problems, table) {
  const used = new Set();
  const rest = problems.filter((problem) => {
    const row = table.find((one) => one.at.test(problem));
    if (row) used.add(row);
    return !row;
  });
  return [...rest, ...table.filter((row) => !used.has(row)).map((row) => `differences.mjs: ${row.at} is not the case any more`)];
}

// Drives everything under one reading; gives the number of pairs and of differences.
async function drive(name) {
  const all = { ...settings, ...readings[name] };
  const standin = await start(binary, all);
  const driver = new Driver(standin, all.created_status);
  console.log(`conformance: the ${name} reading of what no document says`);
  try {
    await groups(driver);
    const before = pairs(driver);
    await everywhere(driver);
    console.log(`conformance: no token, unknown id: ${pairs(driver) - before} pairs`);
    const ledger = await control(standin, 'ledger');
    for (const { method, path } of contract.served) {
      const seen = Object.keys(ledger.requests_by_endpoint[`${method} ${path}`] ?? {});
      if (!seen.some((status) => status.startsWith('2'))) driver.problems.push(`${method} ${path}: never driven with success`);
    }
  } catch (error) {
    driver.problems.push(`the drive ended early: ${error.message}`);
  } finally {
    standin.stop();
  }
  const problems = [...new Set([...unstated(driver.problems, types), ...unstated(broken(driver.answers), compiled), ...unnamed(driver.missing, missing, 'lacks'), ...unnamed(driver.unknown, unknown, 'has')])];
  for (const problem of problems) console.log(`conformance: DIFFERENCE ${problem}`);
  console.log(`conformance: ${driver.answers.length} answers compiled against the types of the client`);
  console.log(`conformance: ${driver.cases.size} endpoints, ${pairs(driver)} pairs, ${problems.length} differences`);
  return [pairs(driver), problems.length];
}

let [all, wrong] = [0, 0];
for (const name of Object.keys(readings)) {
  const [pairs, differences] = await drive(name);
  [all, wrong] = [all + pairs, wrong + differences];
}
console.log(`conformance: endpoint × case pairs: ${all} under both readings, ${wrong === 0 ? 'all green' : `${wrong} differences`}`);
process.exitCode = wrong === 0 ? 0 : 1;
