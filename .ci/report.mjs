// What a run of vitest counted, from its JSON report; of files that were run again, what their second run counted.
//
//   report.mjs files REPORT                          the files that failed, one a line
//   report.mjs counts REPORT SECOND FAILURES AGAIN   "PASSED FAILED"; appends to FAILURES what failed, and to AGAIN what
//                                                    the first run met in files that have a second, where there is one
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const MAX_LINES = 12;

const [verb, report, secondReport, failuresFile, againFile] = process.argv.slice(2);

/** The files of a report, by name. */
function filesOf(path) {
  return new Map(JSON.parse(readFileSync(path, 'utf8')).testResults.map((file) => [file.name, file]));
}

function hasFailed({ status }) {
  return status === 'failed';
}

/** A file that fails without a failed test, in its set-up say, is one failure. */
function failuresOf({ name, status, message, assertionResults }) {
  const failed = assertionResults.filter(hasFailed);
  if (failed.length === 0) return status === 'failed' ? [`${name}\n    ${shorten(message)}`] : [];
  return failed.map(
    (test) => `${name} > ${test.fullName}\n    ${test.failureMessages.map(shorten).join('\n    ')}`,
  );
}

function shorten(message) {
  return message.split('\n').slice(0, MAX_LINES).join('\n    ');
}

function append(path, failures) {
  if (failures.length > 0) appendFileSync(path, `${failures.join('\n')}\n`);
}

const files = filesOf(report);
if (verb === 'files') {
  for (const file of files.values()) if (hasFailed(file)) console.log(file.name);
} else {
  const second = existsSync(secondReport) ? filesOf(secondReport) : new Map();
  const last = [...files.values()].map((file) => second.get(file.name) ?? file);
  const failures = last.flatMap(failuresOf);
  append(failuresFile, failures);
  append(
    againFile,
    [...second.keys()].flatMap((name) => failuresOf(files.get(name))),
  );
  const passed = last
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed');
  console.log(`${passed.length} ${failures.length}`);
}
